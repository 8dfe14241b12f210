"""Calls as tags around each argument: <function=f><parameter=a>1</parameter></function>.

The arguments come out as JSON, typed by the tool's schema: a string is streamed, other values are
converted when they are complete.
"""

import json
import re
from dataclasses import dataclass
from functools import cached_property

from penstock.frontend.formats.call import MAX_NAME_CHARS, Call
from penstock.frontend.formats.markers import Markers
from penstock.frontend.formats.schema_types import argument_types
from penstock.frontend.formats.tape import MalformedError, Step, Tape
from penstock.frontend.formats.typed_values import ValueWriter

_NAME = re.compile(r"[^\s<>\"]*")


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
        while not (yield from self._closes(tape)):
            yield from tape.expect(self.key_open)
            call.write(separator)
            yield from self._argument(tape, call)
            separator = ", "
        call.write("{}" if separator == "{" else "}")
        call.finish()

    def _closes(self, tape: Tape) -> Step[bool]:
        yield from tape.space()
        if self.close and (yield from tape.take(self.close)):
            return True
        for marker in self.closes_early:
            if (yield from tape.at(marker)):
                return True
        return False

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
        if not (yield from tape.until(self._value_ends, writer.add)):
            raise MalformedError
        writer.finish()

    @cached_property
    def _key_ends(self) -> Markers:
        return Markers((self.key_close,))

    @cached_property
    def _value_ends(self) -> Markers:
        return Markers((self.value_close,))
