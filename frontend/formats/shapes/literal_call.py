"""Calls as a programmer writes them: f(a=1, b="x"), or call:f{a:1,b:<|"|>x<|"|>}."""

import re
from dataclasses import dataclass

from penstock.frontend.formats import literal
from penstock.frontend.formats.call import MAX_NAME_CHARS, Call
from penstock.frontend.formats.grammar.errors import unwritable
from penstock.frontend.formats.grammar.literal_values import QuotedValues
from penstock.frontend.formats.grammar.python_values import python_value
from penstock.frontend.formats.grammar.rules import Rules, members, quoted
from penstock.frontend.formats.grammar.schemas import (
    Property,
    arguments_schema,
    listed_properties,
)
from penstock.frontend.formats.literal import Syntax
from penstock.frontend.formats.tape import Step, Tape
from penstock.frontend.formats.tools import ToolSpec

_NAME = re.compile(r"[\w.\-/:]*")
_WRITABLE = re.compile(rf"[\w.\-/:]{{1,{MAX_NAME_CHARS}}}")


@dataclass(frozen=True, kw_only=True)
class LiteralCall:
    """prefix name opener key assign value, ..., closer."""

    prefix: str = ""
    opener: str
    assign: str
    closer: str
    syntax: Syntax

    @property
    def begins(self) -> tuple[str, ...]:
        return (self.prefix,) if self.prefix else ()

    @property
    def ends(self) -> tuple[str, ...]:
        return ()

    @property
    def markers(self) -> frozenset[str]:
        """Quotes that are not to be typed."""
        return frozenset(quote for quote in self.syntax.quotes if "<" in quote)

    def read(self, tape: Tape, call: Call) -> Step[None]:
        yield from tape.expect(self.prefix)
        name = yield from tape.word(_NAME, MAX_NAME_CHARS)
        tape.advance(len(name))
        call.named(name)
        yield from tape.expect(self.opener)
        separator = "{"
        while not (yield from literal.closes(tape, self.closer, separator != "{")):
            yield from self._argument(tape, call, separator)
            separator = ", "
        call.write("{}" if separator == "{" else "}")
        call.finish()

    def grammar(self, rules: Rules, tool: ToolSpec) -> str:
        if not _WRITABLE.fullmatch(tool.name):
            raise unwritable(tool.name)
        listed = listed_properties(tool)
        if self.syntax.holds_json:
            written = ((self._written(rules, tool, each), each.required) for each in listed)
            arguments = members(rules, written, ", ")
        else:
            values = QuotedValues(rules, tool, self.syntax.quotes[0])
            arguments = values.object(arguments_schema(tool))
        opener = quoted(self.prefix + tool.name + self.opener)
        return " ".join((opener, arguments, quoted(self.closer)))

    def _written(self, rules: Rules, tool: ToolSpec, argument: Property) -> str:
        if not literal.is_bare_key(argument.name):
            raise unwritable(argument.name)
        value = python_value(rules, tool, argument.schema)
        return f"{quoted(argument.name + self.assign)} {value}"

    def _argument(self, tape: Tape, call: Call, separator: str) -> Step[None]:
        key = yield from literal.key(tape, self.syntax)
        yield from tape.space()
        yield from tape.expect(self.assign)
        yield from tape.space()
        call.write(f"{separator}{key}: ")
        yield from literal.value(tape, call.write, self.syntax)
