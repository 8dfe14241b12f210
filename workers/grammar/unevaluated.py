"""`unevaluatedProperties` and `unevaluatedItems` by what a schema names itself. Knows no other keyword's meaning.

What `properties` and their kin name in a schema, in its `allOf` and behind its `$ref` is evaluated whatever the
instance is; named once more, as anything, they leave to `additionalProperties` and `items` what is not.
"""

from dataclasses import dataclass, field
from typing import Any

from penstock.workers.grammar.references import Document

DEPENDS_ON_THE_INSTANCE = frozenset(
    [
        "anyOf", "oneOf", "if", "then", "else", "dependentSchemas", "contains",
        "$dynamicRef", "$recursiveRef",
    ]
)  # fmt: skip


@dataclass
class Evaluated:
    """What of any instance is evaluated; `is_known` is false where that depends on the instance."""

    properties: dict[str, Any] = field(default_factory=dict)
    patterns: dict[str, Any] = field(default_factory=dict)
    num_items: int = 0
    has_all_properties: bool = False
    has_all_items: bool = False
    is_known: bool = True


def without_unevaluated(schema: dict[str, Any], document: Document) -> dict[str, Any]:
    """`schema` without the two keywords, or as it is where they depend on more than itself."""
    asked = schema.keys() & {"unevaluatedProperties", "unevaluatedItems"}
    if not asked:
        return schema
    rest = {key: value for key, value in schema.items() if key not in asked}
    found = Evaluated()
    _gather(rest, document, found, set())
    if not found.is_known:
        return schema
    if "unevaluatedProperties" in asked and not found.has_all_properties:
        rest |= _named_properties(rest, found, schema["unevaluatedProperties"])
    if "unevaluatedItems" in asked and not found.has_all_items:
        rest |= _named_items(rest, found, schema["unevaluatedItems"])
    return rest


def _named_properties(own: dict[str, Any], found: Evaluated, others: Any) -> dict[str, Any]:
    named = {"additionalProperties": others}
    if found.properties:
        named["properties"] = found.properties | own.get("properties", {})
    if found.patterns:
        named["patternProperties"] = found.patterns | own.get("patternProperties", {})
    return named


def _named_items(own: dict[str, Any], found: Evaluated, others: Any) -> dict[str, Any]:
    prefix = own.get("prefixItems", [])
    prefix = [*prefix, *[True] * (found.num_items - len(prefix))]
    return {"items": others} | ({"prefixItems": prefix} if prefix else {})


def _gather(schema: Any, document: Document, found: Evaluated, seen: set[int]) -> None:
    """Adds what `schema` evaluates. `seen` has the ids of those that were: references may go in circles."""
    if isinstance(schema, bool) or id(schema) in seen:
        return
    if not isinstance(schema, dict) or schema.keys() & DEPENDS_ON_THE_INSTANCE:
        found.is_known = False
        return
    seen.add(id(schema))
    _gather_own(schema, found)
    for part in _list(schema, "allOf", found):
        _gather(part, document, found, seen)
    if "$ref" in schema:
        _gather(document.target(schema["$ref"]), document, found, seen)


def _gather_own(schema: dict[str, Any], found: Evaluated) -> None:
    found.properties |= dict.fromkeys(_dict(schema, "properties", found), True)
    found.patterns |= dict.fromkeys(_dict(schema, "patternProperties", found), True)
    found.num_items = max(found.num_items, len(_list(schema, "prefixItems", found)))
    found.has_all_properties |= bool(
        schema.keys() & {"additionalProperties", "unevaluatedProperties"}
    )
    found.has_all_items |= bool(schema.keys() & {"items", "unevaluatedItems"})


def _dict(schema: dict[str, Any], key: str, found: Evaluated) -> dict[str, Any]:
    value = schema.get(key, {})
    found.is_known &= isinstance(value, dict)
    return value if isinstance(value, dict) else {}


def _list(schema: dict[str, Any], key: str, found: Evaluated) -> list[Any]:
    value = schema.get(key, [])
    found.is_known &= isinstance(value, list)
    return value if isinstance(value, list) else []
