"""Values that stand between two tags: strings as they are, all else as JSON. Knows no tags."""

from penstock.frontend.formats.grammar.raw_text import raw_string
from penstock.frontend.formats.grammar.rules import Rules, either
from penstock.frontend.formats.grammar.schemas import (
    Schema,
    alternatives,
    is_free,
    standalone,
    types,
)
from penstock.frontend.formats.tools import ToolSpec


def tagged_value(rules: Rules, tool: ToolSpec, schema: Schema, end: str, marker: str) -> str:
    """A value that the schema allows, and `end`, which holds the marker."""
    kinds = types(schema, tool)
    others = kinds - {"string"}
    if is_free(schema):
        return raw_string(rules, schema, end, marker, frozenset())
    found = [
        raw_string(rules, each, end, marker, others)
        for each in alternatives(schema, tool)
        if "string" in types(each, tool)
    ]
    if others:
        narrowed = {"allOf": [schema, {"type": sorted(others)}]} if found else schema
        value = standalone(narrowed, tool)
        found.append(f"{rules.json(value, not tool.strict)} {rules.literal(end)}")
    return either(found)
