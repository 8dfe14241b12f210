"""Calls as a name, a marker, and the arguments as a JSON object: f[ARGS]{...}."""

import re
from dataclasses import dataclass
from functools import cached_property

from penstock.frontend.formats import json_text
from penstock.frontend.formats.call import MAX_NAME_CHARS, Call
from penstock.frontend.formats.grammar.errors import unwritable
from penstock.frontend.formats.grammar.rules import Rules, quoted
from penstock.frontend.formats.grammar.schemas import arguments_schema
from penstock.frontend.formats.markers import Markers
from penstock.frontend.formats.tape import MalformedError, Step, Tape
from penstock.frontend.formats.tools import ToolSpec

_NUMBER = re.compile(r":\d+$")


@dataclass(frozen=True, kw_only=True)
class NamedJson:
    """open, prefix + name, name_end, before, {...}, after, close; whitespace between them is free."""

    open: str = ""
    prefix: str = ""
    """Stands before the name; may be missing."""
    numbered: bool = False
    """Whether the name bears the call's number, as in f:0."""
    asides: tuple[str, ...] = ()
    """Behind the name: from there to `name_end` comes what is of no concern, as the call's id."""
    written_aside: str = ""
    """What the grammar writes there."""
    name_end: str
    before: str = ""
    after: str = ""
    """May be missing, as may `close`: the arguments end by themselves."""
    close: str = ""

    @property
    def begins(self) -> tuple[str, ...]:
        return (self.open,) if self.open else ()

    @property
    def ends(self) -> tuple[str, ...]:
        return (self.close,) if self.close else ()

    @property
    def markers(self) -> frozenset[str]:
        texts = (self.open, *self.asides, self.name_end, self.before, self.after, self.close)
        return frozenset(text for text in texts if text.strip())

    @cached_property
    def _name_ends(self) -> Markers:
        return Markers((self.name_end,))

    def read(self, tape: Tape, call: Call) -> Step[None]:
        yield from tape.expect(self.open)
        written = yield from tape.collect(self._name_ends, 2 * MAX_NAME_CHARS)
        call.named(self._name(written))
        yield from tape.space()
        yield from tape.expect(self.before.strip())
        yield from tape.space()
        if (yield from tape.peek()) != "{":
            raise MalformedError
        yield from json_text.value(tape, call.write)
        call.finish()
        yield from _pass(tape, self.after.strip())
        yield from _pass(tape, self.close)

    def grammar(self, rules: Rules, tool: ToolSpec) -> str:
        if not self._reads_back(tool.name):
            raise unwritable(tool.name)
        parts = (
            rules.literal(self.open),
            quoted(self.prefix + tool.name),
            f"{quoted(':')} /[0-9]{{1,3}}/" if self.numbered else "",
            rules.literal(self.written_aside + self.name_end + self.before),
            rules.json(arguments_schema(tool), not tool.strict),
            rules.literal(self.after + self.close),
        )
        return " ".join(filter(None, parts))

    def _reads_back(self, name: str) -> bool:
        written = self.prefix + name + ":0" * self.numbered
        is_whole = 0 < len(name) <= MAX_NAME_CHARS and self.name_end not in name
        return is_whole and self._name(written + self.written_aside) == name

    def _name(self, written: str) -> str:
        for aside in self.asides:
            written = written.partition(aside)[0]
        name = written.strip().removeprefix(self.prefix)
        return _NUMBER.sub("", name) if self.numbered else name


def _pass(tape: Tape, literal: str) -> Step[None]:
    """Reads this and the whitespace before it, if it comes."""
    if literal:
        yield from tape.space()
        yield from tape.take(literal)
