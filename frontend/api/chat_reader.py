"""One choice's pieces as events: what is said, thought and called. Knows an answer's parts, not their JSON."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from penstock.frontend.api.chat_tools import Choice, Tools
from penstock.frontend.formats import (
    AnswerFormat,
    AnswerParser,
    CallArguments,
    CallStart,
    Content,
    Event,
    Reasoning,
)
from penstock.frontend.generation import Piece


class Reader(Protocol):
    """Of one choice."""

    @property
    def num_reasoning(self) -> int:
        """Tokens that were thought, so far."""
        ...

    @property
    def num_calls(self) -> int | None:
        """Calls found so far; None where none is looked for."""
        ...

    def read(self, piece: Piece) -> Sequence[Event]:
        """The piece's events; the last piece brings all that was held back."""
        ...

    def finish_reason(self, piece: Piece) -> str | None:
        """Says what the body holds."""
        ...


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """How the answers of one request are to be read."""

    format: AnswerFormat
    tools: Tools
    begins_in_reasoning: bool
    may_think: bool = True
    """Whether thoughts may come before the content; a constraint leaves room for none elsewhere."""
    shows_reasoning: bool
    """Else what was thought is left out of the answer; it counts as output all the same."""

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing in an answer but its text."""
        return self.format.reasoning is None and not self.reads_calls

    @property
    def reads_calls(self) -> bool:
        """Whether a call is one, not text."""
        return self.tools.is_parsed and self.format.tools is not None

    @property
    def holds_calls(self) -> bool:
        """Whether a call is held to its tool's schema though none is forced: because one of the tools is strict."""
        is_asked = self.tools.choice is Choice.AUTO and any(t.strict for t in self.tools.callable)
        format = self.format.tools
        return is_asked and self.reads_calls and format is not None and format.is_marked

    @property
    def counts_thoughts(self) -> bool:
        """Whether the reader must see each token's text."""
        return self.format.reasoning is not None

    @property
    def calls_in_reasoning(self) -> tuple[str, ...]:
        """Markers of calls that end what is thought."""
        reasoning, tools = self.format.reasoning, self.format.tools
        if not (reasoning and reasoning.ends_at_calls and tools and self.reads_calls):
            return ()
        return (*tools.opens, *tools.enters)

    @property
    def prefaces(self) -> tuple[str, ...]:
        """Markers that may stand before an answer, and say nothing of it; content does not come before forced calls."""
        reasoning = self.format.reasoning
        if reasoning is None:
            return ()
        is_forced = self.tools.choice is Choice.FORCED
        return reasoning.turn_opens + (() if is_forced else reasoning.answer_opens)

    @property
    def markers(self) -> frozenset[str]:
        """What has to reach the parser, special token or not."""
        reasoning, tools = self.format.reasoning, self.format.tools
        found = reasoning.markers if reasoning else frozenset[str]()
        return found | tools.markers if tools and self.reads_calls else found

    def reader(self) -> Reader:
        """For one choice."""
        if self.is_plain:
            return PlainReader()
        parser = self.format.parser(
            self.tools.callable,
            begins_in_reasoning=self.begins_in_reasoning,
            parses_tools=self.reads_calls,
            parses_reasoning=self.format.reasoning is not None,
            only_known=self.tools.is_narrowed,
        )
        return ParsingReader(parser, self)


class PlainReader:
    """`Reader` of answers that are nothing but text."""

    num_reasoning = 0
    num_calls = None

    def read(self, piece: Piece) -> Sequence[Event]:
        """See `Reader`."""
        return (Content(piece.text),) if piece.text else ()

    def finish_reason(self, piece: Piece) -> str | None:
        """See `Reader`."""
        return piece.finish_reason


class ParsingReader:
    """`Reader` of answers that may have parts."""

    def __init__(self, parser: AnswerParser, reading: Reading) -> None:
        self._parser = parser
        self._reads_calls = reading.reads_calls
        self._most_calls = None if reading.tools.parallel else 1
        self._shows_reasoning = reading.shows_reasoning
        self.num_reasoning = 0

    @property
    def num_calls(self) -> int | None:
        """See `Reader`."""
        return self._parser.num_calls if self._reads_calls else None

    def read(self, piece: Piece) -> Sequence[Event]:
        """See `Reader`."""
        events = self._push(piece)
        if piece.finish_reason is not None:
            events += self._parser.close()
        return [event for event in events if self._is_shown(event)]

    def finish_reason(self, piece: Piece) -> str | None:
        """See `Reader`: calls that are complete are why a model stops, not one that broke off."""
        parser, most = self._parser, self._most_calls
        num_shown = parser.num_calls if most is None else min(parser.num_calls, most)
        if piece.finish_reason == "stop" and 0 < num_shown <= parser.num_complete:
            return "tool_calls"
        return piece.finish_reason

    def _push(self, piece: Piece) -> list[Event]:
        """Token by token where it matters which of them were thought; then what no token brought."""
        num_thought = self._parser.num_thought
        events = self._parser.push(*piece.parts)
        self.num_reasoning += self._parser.num_thought - num_thought
        rest = piece.text[sum(map(len, piece.parts)) :]
        return events + self._parser.push(rest) if rest else events

    def _is_shown(self, event: Event) -> bool:
        match event:
            case Reasoning():
                return self._shows_reasoning
            case CallStart(index) | CallArguments(index, _):
                return self._most_calls is None or index < self._most_calls
            case Content():
                return True
