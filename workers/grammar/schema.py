"""The schemas within a JSON schema: found and rewritten. Knows which keywords hold schemas, not what they enforce."""

from collections.abc import Callable, Iterator
from typing import Any

_VALUES = frozenset(("const", "enum", "default", "examples", "required", "dependentRequired"))
"""Keywords that hold values or names, not schemas."""
_BY_NAME = frozenset(
    ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
)
"""Keywords that hold schemas under names of the writer's choice, which may be those of keywords."""


def parts(schema: Any) -> Iterator[dict[str, Any]]:
    """The schema, and all that is in it."""
    if isinstance(schema, dict):
        yield schema
        for key, value in schema.items():
            for inner in _held(key, value):
                yield from parts(inner)
    elif isinstance(schema, list):
        for item in schema:
            yield from parts(item)


def _held(key: str, value: Any) -> list[Any]:
    if key in _VALUES:
        return []
    return [*value.values()] if key in _BY_NAME and isinstance(value, dict) else [value]


def rewritten(schema: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """The schema with `change` made to it and to all that is in it, the innermost first."""
    if isinstance(schema, list):
        return [rewritten(item, change) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return change({key: _rewritten_below(key, schema[key], change) for key in schema})


def _rewritten_below(
    key: str, value: Any, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> Any:
    if key in _VALUES:
        return value
    if key in _BY_NAME and isinstance(value, dict):
        return {name: rewritten(inner, change) for name, inner in value.items()}
    return rewritten(value, change)
