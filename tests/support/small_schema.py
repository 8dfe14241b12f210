"""Whether a value is valid by a JSON schema: slow, obvious, and only the keywords that tests here use."""

import re
from typing import Any

_TYPES: dict[str, Any] = {
    "string": str, "boolean": bool, "object": dict, "array": list, "null": type(None),
}  # fmt: skip
_KNOWN = frozenset(
    (
        "type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf",
        "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "pattern", "$ref",
        "$defs", "description",
    )
)  # fmt: skip


def is_valid(value: Any, schema: Any, root: Any = None) -> bool:
    root = schema if root is None else root
    if isinstance(schema, bool):
        return schema
    assert schema.keys() <= _KNOWN, schema
    if "$ref" in schema:
        return is_valid(value, _at(root, schema["$ref"]), root)
    return all(
        (
            "type" not in schema or _has_type(value, schema["type"]),
            "enum" not in schema or value in schema["enum"],
            "const" not in schema or value == schema["const"],
            "anyOf" not in schema or any(is_valid(value, each, root) for each in schema["anyOf"]),
            _is_within(value, schema),
            not isinstance(value, list) or all(is_valid(v, schema.get("items", True), root) for v in value),
            not isinstance(value, dict) or _is_valid_object(value, schema, root),
        )
    )  # fmt: skip


def _at(root: Any, reference: str) -> Any:
    for part in reference.split("/")[1:]:
        root = root[part]
    return root


def _has_type(value: Any, stated: str | list[str]) -> bool:
    if isinstance(stated, list):
        return any(_has_type(value, each) for each in stated)
    if stated in ("number", "integer"):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and (stated == "number" or value == int(value))
    return isinstance(value, _TYPES[stated])


def _is_within(value: Any, schema: Any) -> bool:
    if isinstance(value, str):
        found = re.search(schema.get("pattern", ""), value)
        return bool(found) and schema.get("minLength", 0) <= len(value) <= schema.get(
            "maxLength", 1e9
        )
    if isinstance(value, list):
        return bool(schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", 1e9))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return bool(schema.get("minimum", -1e99) <= value <= schema.get("maximum", 1e99))
    return True


def _is_valid_object(value: dict[str, Any], schema: Any, root: Any) -> bool:
    named = schema.get("properties", {})
    further = schema.get("additionalProperties", True)
    return set(schema.get("required", ())) <= value.keys() and all(
        is_valid(each, named.get(key, further), root) for key, each in value.items()
    )
