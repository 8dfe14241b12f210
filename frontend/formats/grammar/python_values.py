"""Values as Python writes them: as JSON does, but for three words and single quotes. Knows no calls."""

import json

from penstock.frontend.formats.grammar.rules import Rules, either, quoted
from penstock.frontend.formats.grammar.schemas import (
    Schema,
    alternatives,
    as_list,
    standalone,
    types,
)
from penstock.frontend.formats.tools import ToolSpec

_SINGLE_QUOTED = r"/'([^'\\\x00-\x1f]|\\['\"\\nrt])*'/"
_BOUNDS = frozenset(("pattern", "minLength", "maxLength", "format", "enum", "const"))


def python_value(rules: Rules, tool: ToolSpec, schema: Schema) -> str:
    """JSON throughout, and Python's own spelling where a value is no list and no object."""
    kinds = types(schema, tool)
    found = []
    if kinds == {"boolean"} and not schema.keys() & _BOUNDS:
        found = [quoted("True"), quoted("False")]
    elif "null" in kinds and "enum" not in schema:
        found.append(quoted("None"))
    if _has_free_string(schema, tool):
        found.append(rules.terminal(_SINGLE_QUOTED))
    found += [quoted(f"'{each}'") for each in as_list(schema.get("enum")) if _is_plain(each)]
    return either((rules.json(standalone(schema, tool), not tool.strict), *found))


def _has_free_string(schema: Schema, tool: ToolSpec) -> bool:
    return any(
        "string" in types(each, tool) and not each.keys() & _BOUNDS
        for each in alternatives(schema, tool)
    )


def _is_plain(value: object) -> bool:
    return isinstance(value, str) and json.dumps(value) == f'"{value}"' and "'" not in value
