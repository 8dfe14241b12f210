"""One choice's pieces as events: what is said, thought and called. Knows an answer's parts, not their JSON."""

from collections.abc import Sequence

import msgspec

from penstock.frontend.api.chat_tools import Tools
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


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """How the answers of one request are to be read."""

    format: AnswerFormat
    tools: Tools
    begins_in_reasoning: bool
    shows_reasoning: bool
    """Else what was thought is left out of the answer; it counts as output all the same."""
    end_of_reasoning: int | None
    """The token that ends it, where one token does."""

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing in an answer but its text."""
        return self.format.reasoning is None and not self.reads_calls

    @property
    def reads_calls(self) -> bool:
        """Whether a call is one, not text."""
        return self.tools.is_parsed and self.format.tools is not None

    @property
    def markers(self) -> frozenset[str]:
        """What has to reach the parser, special token or not."""
        reasoning, tools = self.format.reasoning, self.format.tools
        found = reasoning.markers if reasoning else frozenset[str]()
        return found | tools.markers if tools and self.reads_calls else found

    def reader(self) -> "Reader":
        """For one choice."""
        if self.is_plain:
            return PlainReader()
        parser = self.format.parser(
            self.tools.specs,
            begins_in_reasoning=self.begins_in_reasoning,
            parses_tools=self.reads_calls,
            parses_reasoning=self.format.reasoning is not None,
        )
        return ParsingReader(parser, self)


class Reader:
    """What both kinds of reader do."""

    num_reasoning = 0
    """Tokens that were thought, so far."""

    def read(self, piece: Piece) -> Sequence[Event]:
        """The piece's events; the last piece brings all that was held back."""
        raise NotImplementedError

    def finish_reason(self, piece: Piece) -> str | None:
        """Says what the body holds."""
        return piece.finish_reason


class PlainReader(Reader):
    def read(self, piece: Piece) -> Sequence[Event]:
        """See `Reader`."""
        return (Content(piece.text),) if piece.text else ()


class ParsingReader(Reader):
    def __init__(self, parser: AnswerParser, reading: Reading) -> None:
        self._parser = parser
        self._most_calls = None if reading.tools.parallel else 1
        self._shows_reasoning = reading.shows_reasoning
        self._end_of_reasoning = reading.end_of_reasoning

    def read(self, piece: Piece) -> Sequence[Event]:
        """See `Reader`."""
        was_reasoning = self._parser.in_reasoning
        events = self._parser.push(piece.text)
        if was_reasoning or self._parser.in_reasoning:
            self.num_reasoning += self._num_thought(piece)
        if piece.finish_reason is not None:
            events = [*events, *self._parser.close()]
        return [event for event in events if self._is_shown(event)]

    def finish_reason(self, piece: Piece) -> str | None:
        """See `Reader`: calls that are complete are why a model stops."""
        if piece.finish_reason == "stop" and self._parser.num_calls:
            return "tool_calls"
        return piece.finish_reason

    def _num_thought(self, piece: Piece) -> int:
        if not self._parser.in_reasoning and self._end_of_reasoning in piece.token_ids:
            return piece.token_ids.index(self._end_of_reasoning) + 1
        return piece.num_tokens

    def _is_shown(self, event: Event) -> bool:
        match event:
            case Reasoning():
                return self._shows_reasoning
            case CallStart(index) | CallArguments(index, _):
                return self._most_calls is None or index < self._most_calls
            case Content():
                return True
