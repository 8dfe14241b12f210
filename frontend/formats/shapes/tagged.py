"""Calls as tags around each argument: <function=f><parameter=a>1</parameter></function>.

The arguments come out as JSON, typed by the tool's schema: a string is streamed, other values are
converted when they are complete.
"""

import json
import re
from dataclasses import dataclass
from functools import cached_property

from penstock.frontend.formats.call import MAX_NAME_CHARS, Call
from penstock.frontend.formats.grammar.errors import unwritable
from penstock.frontend.formats.grammar.rules import Rules, quoted
from penstock.frontend.formats.grammar.schemas import Property, listed_properties
from penstock.frontend.formats.grammar.tagged_values import tagged_value
from penstock.frontend.formats.markers import Markers
from penstock.frontend.formats.schema_types import argument_types
from penstock.frontend.formats.tape import CutShortError, Step, Tape
from penstock.frontend.formats.tools import ToolSpec
from penstock.frontend.formats.typed_values import ValueWriter

_NAME = re.compile(r"[^\s<>\"]*")
_WRITABLE = re.compile(rf"[^\s<>\"]{{1,{MAX_NAME_CHARS}}}")


@dataclass(frozen=True, kw_only=True)
class Tagged:
    """name_open name name_close, then key_open key key_close value_open value value_close ..., then close."""

    name_open: str = ""
    name_close: str = ""
    key_open: str
    key_close: str
    value_open: str = ""
    value_close: str
    close: str = ""
    closes_early: tuple[str, ...] = ()
    """Markers of what lies around the call: it is over there too, even if it was not closed."""
    trims_newlines: bool = False
    """Whether a value stands on lines of its own."""
    line: str = "\n"
    """What the grammar writes behind the name and behind keys and values."""

    @property
    def begins(self) -> tuple[str, ...]:
        return (self.name_open,) if self.name_open else ()

    @property
    def ends(self) -> tuple[str, ...]:
        return (self.close,) if self.close else ()

    @property
    def markers(self) -> frozenset[str]:
        texts = (self.key_open, self.key_close, self.value_open, self.value_close)
        return frozenset(filter(None, (self.name_open, *texts, self.close)))

    def read(self, tape: Tape, call: Call) -> Step[None]:
        yield from tape.expect(self.name_open)
        name = yield from tape.word(_NAME, MAX_NAME_CHARS)
        tape.advance(len(name))
        yield from tape.expect(self.name_close)
        call.named(name)
        separator = "{"
        while (yield from self._next(tape)):
            call.write(separator)
            yield from self._argument(tape, call)
            separator = ", "
        call.write("{}" if separator == "{" else "}")
        call.finish()

    def grammar(self, rules: Rules, tool: ToolSpec) -> str:
        if not _WRITABLE.fullmatch(tool.name):
            raise unwritable(tool.name)
        parts = [rules.literal(self.name_open), quoted(tool.name)]
        parts.append(rules.literal(self.name_close + self.line))
        for each in listed_properties(tool):
            written = self._written(rules, tool, each)
            parts.append(written if each.required else f"({written})?")
        return " ".join(filter(None, (*parts, rules.literal(self.close))))

    def _written(self, rules: Rules, tool: ToolSpec, argument: Property) -> str:
        if self.key_close in argument.name or argument.name.strip() != argument.name:
            raise unwritable(argument.name)
        value_open = self.line + self.value_open if self.value_open else ""
        newline = "\n" if self.trims_newlines else ""
        parts = (
            rules.literal(self.key_open),
            quoted(argument.name),
            rules.literal(self.key_close + value_open + newline),
            tagged_value(
                rules, tool, argument.schema, newline + self.value_close, self.value_close
            ),
            rules.literal(self.line),
        )
        return rules.rule(" ".join(filter(None, parts)))

    def _next(self, tape: Tape) -> Step[bool]:
        """Whether an argument follows; else the call's end was read, if it has one."""
        yield from tape.space()
        closers = (self.close, *self.closes_early) if self.close else self.closes_early
        marker = yield from tape.expect(self.key_open, *closers)
        if marker in self.closes_early:
            tape.back(marker)
        return marker == self.key_open

    def _argument(self, tape: Tape, call: Call) -> Step[None]:
        key = (yield from tape.collect(self._key_ends, MAX_NAME_CHARS)).strip()
        if self.value_open:
            yield from tape.space()
            yield from tape.expect(self.value_open)
        call.write(f"{json.dumps(key, ensure_ascii=False)}: ")
        if self.trims_newlines:
            yield from tape.take("\n")
        yield from self._value(tape, call, key)

    def _value(self, tape: Tape, call: Call, key: str) -> Step[None]:
        writer = ValueWriter(call.write, argument_types(call.tool, key), self.trims_newlines)
        if not (yield from tape.until(self._value_ends, writer.add, keeps_torn=False)):
            raise CutShortError
        writer.finish()

    @cached_property
    def _key_ends(self) -> Markers:
        return Markers((self.key_close,))

    @cached_property
    def _value_ends(self) -> Markers:
        return Markers((self.value_close,))
