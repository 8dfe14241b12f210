"""Checks a value against the part of JSON Schema that the corpus uses. Knows no corpus."""

import json
import re
from typing import Any

TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,),
    "array": (list,), "object": (dict,),
}  # fmt: skip
CALL = re.compile(r"<tool_call>\s*(.*?)\s*</tool_call>", re.DOTALL)


def _type_ok(value: Any, name: str) -> bool:
    return isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def _object_ok(value: dict[str, Any], schema: dict[str, Any]) -> bool:
    properties = schema.get("properties", {})
    known = set(value) <= set(properties)
    return (
        set(schema.get("required", ())) <= set(value)
        and (known or schema.get("additionalProperties", True) is not False)
        and all(matches(v, properties[k]) for k, v in value.items() if k in properties)
    )


def matches(value: Any, schema: dict[str, Any]) -> bool:
    """Whether the value is valid under the schema."""
    if "type" in schema and not _type_ok(value, schema["type"]):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if isinstance(value, dict):
        return _object_ok(value, schema)
    if isinstance(value, list):
        return all(matches(item, schema.get("items", {})) for item in value)
    return True


def parsed(text: str) -> Any:
    """The JSON value that the whole text is, or None."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def calls_in(text: str) -> list[Any]:
    """What stands between the tool-call tags, parsed; None where it is no JSON."""
    return [parsed(body) for body in CALL.findall(text)]


def call_ok(call: Any, tools: list[dict[str, Any]]) -> bool:
    """Whether a parsed call names one of the tools, with arguments that its schema allows."""
    if not isinstance(call, dict) or set(call) != {"name", "arguments"}:
        return False
    schemas = {t["function"]["name"]: t["function"]["parameters"] for t in tools}
    return call["name"] in schemas and matches(
        call["arguments"],
        {"type": "object", "additionalProperties": False, **schemas[call["name"]]},
    )
