"""Schemas that take exactly what another refuses. Knows JSON values, not what a grammar can say.

There is one for little more than what people put behind `not` and `if`: types, bounds, members that are there
or not, and members that have one of a few values where their own schema lists all that they may have.
"""

from collections.abc import Callable, Mapping
from typing import Any

from penstock.workers.grammar.references import Document, meaningful

TYPES = ("null", "boolean", "object", "array", "string", "number")
OPPOSITES: Mapping[str, tuple[str, str, int]] = {
    "minimum": ("number", "exclusiveMaximum", 0),
    "maximum": ("number", "exclusiveMinimum", 0),
    "exclusiveMinimum": ("number", "maximum", 0),
    "exclusiveMaximum": ("number", "minimum", 0),
    "minLength": ("string", "maxLength", -1),
    "maxLength": ("string", "minLength", 1),
    "minItems": ("array", "maxItems", -1),
    "maxItems": ("array", "minItems", 1),
}
"""Whom a bound concerns, and which bound holds, moved by how much, where it does not."""


class NoNegationError(Exception):
    """There is none that could be said."""


def negated(schema: Any, document: Document, within: Any = True) -> Any:
    """For instances that `within` takes anyway. Raises NoNegationError."""
    if isinstance(schema, bool):
        return not schema
    if not isinstance(schema, dict):
        raise NoNegationError
    refused = [_refusing(key, value, document, within) for key, value in meaningful(schema).items()]
    return any_of(refused)


def any_of(schemas: list[Any]) -> Any:
    """The one of them, if there is only one."""
    possible = [schema for schema in schemas if schema is not False]
    if len(possible) == 1:
        return possible[0]
    return {"anyOf": possible} if possible else False


def _refusing(key: str, value: Any, document: Document, within: Any) -> Any:
    """What this one keyword does not take."""
    if key in OPPOSITES:
        return _beyond(key, value)
    if key not in _WAYS:
        raise NoNegationError
    return _WAYS[key](value, document, within)


def _beyond(key: str, bound: Any) -> Any:
    kind, opposite, step = OPPOSITES[key]
    if isinstance(bound, bool) or not isinstance(bound, int | float):
        raise NoNegationError
    return False if bound + step < 0 and step else {"type": kind, opposite: bound + step}


def _other_types(value: Any, _document: Document, _within: Any) -> Any:
    named = {value} if isinstance(value, str) else set(value) if isinstance(value, list) else set()
    if not named or not named <= {*TYPES, "integer"}:
        raise NoNegationError
    if "integer" in named and "number" not in named:
        raise NoNegationError  # no keyword says that a number has a fraction
    left = [kind for kind in TYPES if kind not in named]
    return {"type": left} if left else False


def _other_values(value: Any, document: Document, within: Any) -> Any:
    refused = {_key(item) for item in value} if isinstance(value, list) else set()
    left = [item for item in _values(document.resolved(within)) if _key(item) not in refused]
    return {"enum": left} if left else False


def _values(schema: Any) -> list[Any]:
    """All that it takes. Raises NoNegationError where they are not few."""
    if isinstance(schema, dict):
        if isinstance(schema.get("enum"), list):
            return [*schema["enum"]]
        if "const" in schema:
            return [schema["const"]]
        if schema.get("type") == "boolean":
            return [False, True]
    raise NoNegationError


def _key(value: Any) -> tuple[bool, Any]:
    """Equal for what JSON calls equal: Python also calls 1 and True so."""
    if isinstance(value, list | dict):
        raise NoNegationError
    return isinstance(value, bool), value


def _some_member_refused(value: Any, document: Document, within: Any) -> Any:
    inside = within.get("properties", {}) if isinstance(within, dict) else {}
    if not isinstance(value, dict) or not isinstance(inside, dict):
        raise NoNegationError
    return any_of(
        [
            _with(name, negated(part, document, inside.get(name, True)))
            for name, part in value.items()
        ]
    )


def _with(name: str, schema: Any) -> Any:
    """Objects with such a member."""
    part = {"type": "object", "properties": {name: schema}, "required": [name]}
    return part | {"additionalProperties": True}


def without(name: str) -> dict[str, Any]:
    """What is not an object, or one without this member."""
    return {"properties": {name: False}, "additionalProperties": True}


def opened(schema: Any) -> Any:
    """A part of a whole object's schema, not to be closed by `disable_additional_properties`."""
    if isinstance(schema, dict) and "properties" in schema:
        return {"additionalProperties": True, **schema}
    return schema


def _some_member_missing(value: Any, _document: Document, _within: Any) -> Any:
    if not isinstance(value, list):
        raise NoNegationError
    return any_of([{"type": "object", **without(name)} for name in value])


def _all_refused(value: Any, document: Document, within: Any) -> Any:
    if not isinstance(value, list):
        raise NoNegationError
    return {"allOf": [negated(part, document, within) for part in value]}


def _some_refused(value: Any, document: Document, within: Any) -> Any:
    if not isinstance(value, list):
        raise NoNegationError
    return any_of([negated(part, document, within) for part in value])


_WAYS: Mapping[str, Callable[[Any, Document, Any], Any]] = {
    "type": _other_types,
    "enum": _other_values,
    "const": lambda value, document, within: _other_values([value], document, within),
    "properties": _some_member_refused,
    "required": _some_member_missing,
    "anyOf": _all_refused,
    "allOf": _some_refused,
    "not": lambda value, _document, _within: value,
}
