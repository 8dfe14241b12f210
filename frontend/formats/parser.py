"""Takes one answer's text apart into content, reasoning and tool calls, as it comes. Knows no model.

    answer = [reasoning] content, with sections of calls in it
    section = opener, calls, closer

What stands behind an opener but is no call is content, its markers included.
"""

from collections.abc import Iterator, Mapping

from penstock.frontend.formats.declarations import ReasoningFormat, ToolFormat
from penstock.frontend.formats.events import Content, Event, EventList, Reasoning
from penstock.frontend.formats.markers import Markers
from penstock.frontend.formats.prose import Prose
from penstock.frontend.formats.sections import Sections
from penstock.frontend.formats.tape import Step, Tape
from penstock.frontend.formats.tools import ToolSpec


class AnswerParser:
    """One answer. The events of all pushes, joined, are the same for every way of cutting the text."""

    def __init__(
        self,
        tools_format: ToolFormat | None,
        reasoning: ReasoningFormat | None,
        tools: Mapping[str, ToolSpec],
        begins_in_reasoning: bool,
        only_known: bool = False,
    ) -> None:
        self._events = EventList()
        self._tape = Tape()
        self._prose = Prose(self._events)
        self._calls: Sections | None = None
        if tools_format is not None:
            self._calls = Sections(
                tools_format, tools, self._tape, self._prose, self._events, only_known
            )
        self.num_thought = 0
        """Pieces that were reasoning, or held a part of it."""
        self._reasoning = reasoning
        self._in_answer = False
        self._markers = Markers(_markers_in_content(tools_format, reasoning))
        self._markers_in_reasoning = Markers(_markers_in_reasoning(tools_format, reasoning))
        self._machine = self._answer(begins_in_reasoning)
        next(self._machine)

    @property
    def num_calls(self) -> int:
        """Calls announced so far."""
        return self._calls.num_calls if self._calls else 0

    @property
    def num_complete(self) -> int:
        """Of those, how many from the first on are complete: up to one whose arguments broke off."""
        return self._calls.num_complete if self._calls else 0

    @property
    def in_reasoning(self) -> bool:
        """Whether the text so far ends within reasoning."""
        return self._prose.kind is Reasoning

    def push(self, *texts: str) -> list[Event]:
        """What these pieces brought to light."""
        for text in texts:
            was_reasoning = self.in_reasoning
            self._tape.feed(text)
            next(self._machine)
            self.num_thought += was_reasoning or self.in_reasoning
        return self._events.take()

    def close(self) -> list[Event]:
        """The text is complete: what was held back comes out, as text where it is no call."""
        self._tape.end()
        for _ in self._machine:
            raise AssertionError("a machine that waits for what will not come")
        self._prose.finish()
        return self._events.take()

    def _answer(self, begins_in_reasoning: bool) -> Step[None]:
        if begins_in_reasoning:
            yield from self._think()
        while True:
            if self._calls and self._calls.may_be_bare:
                yield from self._calls.bare()
            marker = yield from self._tape.until(self._markers, self._prose.write)
            if not marker:
                return
            yield from self._meet(marker)

    def _meet(self, marker: str) -> Step[None]:
        """In content."""
        if self._calls and marker in self._calls.opens:
            yield from self._calls.section(marker)
        elif self._calls and marker in self._calls.closes:
            self._calls.stray_close(marker)
        elif self._prose.blank and self._reasoning and marker in self._reasoning.opens:
            yield from self._think()
        elif self._prose.blank and self._reasoning and marker in self._reasoning.closes:
            self._prose.turn(Content)
        else:
            self._meet_answer(marker)

    def _meet_answer(self, marker: str) -> None:
        """The markers around content mean nothing but where it begins and ends."""
        reasoning = self._reasoning
        opens = reasoning and marker in _openers(reasoning) and self._prose.blank
        closes = reasoning and marker in reasoning.answer_closes and self._in_answer
        if opens or closes:
            self._prose.turn(Content)
            self._in_answer = bool(opens)
        else:
            self._prose.write(marker)

    def _think(self) -> Step[None]:
        """Behind the opening marker, or behind a prompt that ended with it."""
        self._prose.turn(Reasoning)
        while self.in_reasoning:
            marker = yield from self._tape.until(self._markers_in_reasoning, self._prose.write)
            if not marker:
                return
            yield from self._meet_in_reasoning(marker)

    def _meet_in_reasoning(self, marker: str) -> Step[None]:
        assert self._reasoning is not None
        if marker in self._reasoning.closes:
            self._prose.turn(Content)
        elif self._calls and marker in self._calls.opens:
            yield from self._calls.section(marker)
        elif not self._prose.blank:
            self._prose.write(marker)


def _markers_in_content(
    tools_format: ToolFormat | None, reasoning: ReasoningFormat | None
) -> Iterator[str]:
    if tools_format:
        yield from (*tools_format.opens, *tools_format.enters, *tools_format.closes)
    if reasoning:
        yield from (*reasoning.opens, *reasoning.closes)
        yield from (*_openers(reasoning), *reasoning.answer_closes)


def _openers(reasoning: ReasoningFormat) -> tuple[str, ...]:
    return (*reasoning.turn_opens, *reasoning.answer_opens)


def _markers_in_reasoning(
    tools_format: ToolFormat | None, reasoning: ReasoningFormat | None
) -> Iterator[str]:
    if reasoning:
        yield from (*reasoning.opens, *reasoning.closes)
        if tools_format and reasoning.ends_at_calls:
            yield from (*tools_format.opens, *tools_format.enters)
