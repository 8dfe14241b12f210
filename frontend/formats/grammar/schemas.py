"""What a grammar must know of a tool's JSON schema. Compiles nothing."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from penstock.frontend.formats.grammar.errors import GrammarError
from penstock.frontend.formats.grammar.excerpt import excerpt
from penstock.frontend.formats.schema_types import ANY, Types, schema_types
from penstock.frontend.formats.tools import ToolSpec

Schema = dict[str, Any]
_ANNOTATIONS = frozenset(("title", "description", "default", "examples", "deprecated"))
COMPOSED = ("anyOf", "oneOf", "allOf", "$ref", "patternProperties", "if")


class Property(NamedTuple):
    name: str
    schema: Schema
    required: bool


def arguments_schema(tool: ToolSpec) -> Schema:
    """Of the whole arguments object. Arguments that a tool does not name are not allowed unless it says so."""
    schema = {**tool.parameters, "type": "object"}
    if not any(key in schema for key in COMPOSED):
        schema.setdefault("properties", {})
        schema.setdefault("additionalProperties", False)
    return schema


def properties(schema: Schema) -> Iterator[Property]:
    """Those that are named, in the schema's order."""
    named = as_schema(schema.get("properties"))
    listed = as_list(schema.get("required"))
    required = dict.fromkeys(each for each in listed if isinstance(each, str))
    for name in dict.fromkeys((*named, *required)):
        yield Property(name, as_schema(named.get(name)), name in required)


def listed_properties(tool: ToolSpec) -> list[Property]:
    """For formats that write arguments one by one. Raises GrammarError where they are not simply listed."""
    schema = arguments_schema(tool)
    if found := [key for key in COMPOSED if key in schema]:
        raise GrammarError(
            f"the parameters of {tool.name!r} use {found[0]}: this model's format wants plain properties"
        )
    return list(properties(schema))


def as_schema(value: Any) -> Schema:
    """true, and what is no schema, stands for {}."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def bound(schema: Schema, key: str, default: int) -> int:
    """Raises GrammarError for what is no count."""
    value = schema.get(key, default)
    if not isinstance(value, int) or value < 0:
        raise GrammarError(f"{key} must be a count, got {str(value)[:40]}")
    return value


def is_free(schema: Schema) -> bool:
    """Whether any value will do."""
    return schema.keys() <= _ANNOTATIONS


def types(schema: Schema, tool: ToolSpec) -> Types:
    return schema_types(schema, tool.parameters) or ANY


def resolved(schema: Schema, tool: ToolSpec) -> Schema:
    """What a schema refers to, if it is a mere reference."""
    seen: set[str] = set()
    while isinstance(reference := schema.get("$ref"), str) and reference not in seen:
        seen.add(reference)
        target: Any = tool.parameters
        for part in reference.removeprefix("#").split("/")[1:]:
            target = target.get(part) if isinstance(target, dict) else None
        schema = as_schema(target)
    return schema


def alternatives(schema: Schema, tool: ToolSpec) -> list[Schema]:
    """The schemas of which one must hold, references followed."""
    schema = resolved(schema, tool)
    listed = as_list(schema.get("anyOf")) or as_list(schema.get("oneOf"))
    return [resolved(as_schema(each), tool) for each in listed] if listed else [schema]


def standalone(schema: Schema, tool: ToolSpec) -> Schema:
    """A part of the tool's schema, with what its references need and no more."""
    return excerpt(schema, tool.parameters)
