"""Turns the text between two tags into a JSON value of the type that the schema asks for. Knows no tags."""

import json
from collections.abc import Callable

import msgspec

from penstock.frontend.formats.literal import PYTHON, literal_as_json
from penstock.frontend.formats.schema_types import Types, type_of
from penstock.frontend.formats.tape import MAX_HELD


class ValueWriter:
    """A value that can only be a string is written as it comes; others when they are complete."""

    def __init__(self, write: Callable[[str], None], types: Types, trims_newlines: bool) -> None:
        self._write = write
        self._types = types
        self._trims_newlines = trims_newlines
        self._held: list[str] = []
        self._num_held = 0
        self._newline = ""
        self._is_string = types == {"string"}
        if self._is_string:
            write('"')

    def add(self, text: str) -> None:
        """A further piece."""
        if self._trims_newlines:
            text = self._newline + text
            self._newline = "\n" if text.endswith("\n") else ""
            text = text.removesuffix("\n")
        if self._is_string:
            self._write(escaped(text))
        else:
            self._hold(text)

    def finish(self) -> None:
        if self._is_string:
            self._write('"')
        else:
            self._write(as_json("".join(self._held), self._types))

    def _hold(self, text: str) -> None:
        """A value of no sensible length is taken for a string."""
        self._held.append(text)
        self._num_held += len(text)
        if self._num_held > MAX_HELD:
            self._is_string = True
            self._write('"' + escaped("".join(self._held)))


def as_json(text: str, types: Types) -> str:
    """JSON where the text is some and the types allow it, else a string; Python's spelling where none is allowed."""
    kind = _kind_of_json(text)
    takes_strings = "string" in types
    if kind and (_allows(types, kind) or not takes_strings):
        return text.strip()
    if not takes_strings and (found := literal_as_json(text.strip(), PYTHON)):
        return found
    return f'"{escaped(text)}"'


def escaped(text: str) -> str:
    """As it stands in a JSON string."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _kind_of_json(text: str) -> str:
    """The type of the value; '' for text that is no JSON, and for quoted strings: tags need no quotes."""
    try:
        kind = type_of(msgspec.json.decode(text))
    except (msgspec.DecodeError, RecursionError):
        return ""
    return "" if kind == "string" else kind


def _allows(types: Types, kind: str) -> bool:
    return kind in types or (kind == "integer" and "number" in types)
