"""Calls as one JSON object that holds name and arguments: {"name": "f", "arguments": {...}}."""

import json
from dataclasses import dataclass

import msgspec

from penstock.frontend.formats import json_text
from penstock.frontend.formats.call import Call
from penstock.frontend.formats.grammar.rules import Rules, quoted
from penstock.frontend.formats.grammar.schemas import arguments_schema
from penstock.frontend.formats.tape import MalformedError, Step, Tape
from penstock.frontend.formats.tools import ToolSpec

_ASIDE = frozenset(("id", "type"))


@dataclass(frozen=True)
class JsonCall:
    """Members may come in any order; arguments that come before the name are held until it is known."""

    name_key: str = "name"
    arguments_keys: tuple[str, ...] = ("arguments", "parameters")
    """The first is the one that the grammar writes."""
    number_key: str = ""
    """The member that the grammar writes first: the call's number, as a string."""
    any_members: bool = True
    """Whether there may be others, which say nothing. False tells calls from other JSON early."""
    begins: tuple[str, ...] = ("{",)
    ends: tuple[str, ...] = ()

    @property
    def markers(self) -> frozenset[str]:
        return frozenset()

    def read(self, tape: Tape, call: Call) -> Step[None]:
        yield from tape.expect("{")
        first = True
        while (key := (yield from json_text.key(tape, first))) is not None:
            yield from self._member(tape, call, key)
            first = False
        call.finish()

    def grammar(self, rules: Rules, tool: ToolSpec) -> str:
        call = f'"{self.name_key}": {json.dumps(tool.name)}, "{self.arguments_keys[0]}": '
        arguments = rules.json(arguments_schema(tool), not tool.strict)
        opener = quoted("{" + call)
        if self.number_key:
            number = quoted('{"' + self.number_key + '": "')
            opener = " ".join((number, "/[0-9]{1,3}/", quoted('", ' + call)))
        return " ".join((opener, arguments, quoted("}")))

    def _member(self, tape: Tape, call: Call, key: str) -> Step[None]:
        if key == self.name_key:
            call.named((yield from json_text.text(tape)))
        elif key in self.arguments_keys:
            yield from _arguments(tape, call)
        elif self.any_members or key in _ASIDE:
            yield from json_text.value(tape, _skip)
        else:
            raise MalformedError


def _arguments(tape: Tape, call: Call) -> Step[None]:
    """An object; or, as some models write it, a string that holds one, or null for none."""
    if call.complete:
        raise MalformedError
    char = yield from tape.peek()
    if char == "{":
        yield from json_text.value(tape, call.write)
    elif char == '"':
        call.write(_object_in((yield from json_text.text(tape))))
    else:
        yield from tape.expect("null")
        call.write("{}")
    call.arguments_done()


def _object_in(text: str) -> str:
    try:
        if isinstance(msgspec.json.decode(text), dict):
            return text
    except (msgspec.DecodeError, RecursionError):
        pass
    raise MalformedError


def _skip(text: str) -> None:
    """Members beside name and arguments say nothing."""
