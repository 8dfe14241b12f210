"""The part of the machine that reads calls: an opener, calls, a closer. Knows no shape of a call."""

from collections.abc import Iterable, Mapping

from penstock.frontend.formats.call import Call
from penstock.frontend.formats.declarations import ToolFormat
from penstock.frontend.formats.events import Content, EventList
from penstock.frontend.formats.markers import Markers
from penstock.frontend.formats.prose import Prose
from penstock.frontend.formats.shape import Shape
from penstock.frontend.formats.tape import CutShortError, MalformedError, Step, Tape, Write, ignore
from penstock.frontend.formats.tools import ToolSpec


class Sections:
    """While it is open whether something is a call, it is recorded; if it is none, the prose gets it.

    The text then goes on at the character that did not fit, so nothing is read twice.
    """

    def __init__(
        self,
        declared: ToolFormat,
        tools: Mapping[str, ToolSpec],
        tape: Tape,
        prose: Prose,
        events: EventList,
        only_known: bool,
    ) -> None:
        self._declared = declared
        self._tools = tools
        self._tape = tape
        self._prose = prose
        self._events = events
        self._only_known = only_known or declared.bare
        self._unclosed = False
        self._ends = Markers(
            (*declared.closes, *(end for shape in declared.shapes for end in shape.ends))
        )
        self.opens = frozenset((*declared.opens, *declared.enters))
        self.closes = frozenset(declared.closes)
        self.num_calls = 0
        self.num_complete = 0

    @property
    def may_be_bare(self) -> bool:
        """Whether calls may come here without an opener: only where an answer begins."""
        can = self._declared.bare and bool(self._tools)
        return can and self._prose.blank and not self.num_calls

    def bare(self) -> Step[None]:
        yield from self._tape.space(self._prose.write)
        yield from self.section("")

    def section(self, opener: str) -> Step[None]:
        """From behind an opener to behind its closer, or to where calls end without one."""
        if opener in self._declared.enters:
            self._tape.back(opener)
            opener = ""
        self._tape.record(opener)
        closed = False
        try:
            in_list = yield from self._list_opens()
            more = True
            while more:
                yield from self._call()
                more, closed = yield from self._between(in_list)
        except MalformedError:
            pass
        rest = self._tape.recorded()
        if not closed:
            self._prose.write(rest)

    def stray_close(self, marker: str) -> None:
        """A closer that calls were cut off from by something else is nobody's text."""
        if not self._unclosed:
            self._prose.write(marker)
        self._unclosed = False

    def _list_opens(self) -> Step[bool]:
        if self._declared.in_list == "never":
            return False
        yield from self._tape.space()
        opened = yield from self._tape.take("[")
        if not opened and self._declared.in_list == "must":
            raise MalformedError
        return opened

    def _call(self) -> Step[None]:
        """Raises MalformedError, unless the call was announced: then what is malformed is its own."""
        index = self.num_calls
        call = Call(self._events, index, self._tools, self._only_known, self._announced)
        try:
            yield from self._tape.space()
            shape = yield from self._fitting()
            if shape is None:
                raise MalformedError
            yield from shape.read(self._tape, call)
        except MalformedError as error:
            if not call.started:
                raise
            if not call.complete:
                yield from self._rest(ignore if isinstance(error, CutShortError) else call.write)
        self.num_complete += call.complete and self.num_complete == index
        self._tape.record()

    def _announced(self) -> None:
        self._tape.recorded()
        self._prose.turn(Content)
        self._unclosed = False
        self.num_calls += 1

    def _rest(self, write: Write) -> Step[None]:
        """All that the model wrote belongs to the arguments, whose reader will see that they are no JSON."""
        marker = yield from self._tape.until(self._ends, write)
        if marker in self.closes:
            self._tape.back(marker)

    def _between(self, in_list: bool) -> Step[tuple[bool, bool]]:
        """Behind a call: whether another comes, and whether the section ended as it should."""
        yield from self._tape.space()
        separated = yield from self._one_of("," if in_list else self._declared.separators)
        if separated:
            yield from self._tape.space()
        if in_list and (yield from self._tape.take("]")):
            self._tape.record()
            yield from self._tape.space()
        elif separated:
            return True, False
        if (yield from self._one_of(self._declared.closes)):
            return False, True
        if self._declared.many and not in_list and (yield from self._fitting()):
            return True, False
        self._unclosed = bool(self.closes)
        return False, False

    def _one_of(self, literals: Iterable[str]) -> Step[bool]:
        for literal in literals:
            if (yield from self._tape.take(literal)):
                return True
        return False

    def _fitting(self) -> Step[Shape | None]:
        """The shape in which a call begins here."""
        anything = None
        for shape in self._declared.shapes:
            if not shape.begins:
                anything = anything or shape
            for beginning in shape.begins:
                if (yield from self._tape.at(beginning)):
                    return shape
        return anything
