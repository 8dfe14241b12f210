"""Holds a request's tools to sizes whose grammars are soon written. Knows no choice and no format."""

from collections.abc import Iterable
from typing import Any

import msgspec

from penstock.frontend.errors import bad_request
from penstock.frontend.formats import ToolSpec

MAX_TOOLS = 256
MAX_BYTES = 1 << 20
MAX_PROPERTIES = 4096


def checked_size(tools: list[Any]) -> int:
    """Of all tools as JSON. Raises ApiError 400."""
    if len(tools) > MAX_TOOLS:
        raise bad_request(f"tools: at most {MAX_TOOLS}, got {len(tools)}", "tools")
    try:
        num_bytes = len(msgspec.json.encode(tools))
    except RecursionError:
        raise bad_request("tools: a schema is nested too deeply", "tools") from None
    if num_bytes > MAX_BYTES:
        raise bad_request(f"tools: at most {MAX_BYTES} bytes of JSON, got {num_bytes}", "tools")
    return num_bytes


def check_schemas(specs: Iterable[ToolSpec]) -> None:
    """Raises ApiError 400."""
    for index, spec in enumerate(specs):
        if (found := _num_properties(spec.parameters)) > MAX_PROPERTIES:
            raise bad_request(
                f"tools[{index}].function.parameters: at most {MAX_PROPERTIES} properties, got {found}",
                "tools",
            )


def _num_properties(schema: dict[str, Any]) -> int:
    """Named or required, in the schema and all its parts."""
    found = 0
    waiting: list[Any] = [schema]
    while waiting:
        part = waiting.pop()
        values = part.values() if isinstance(part, dict) else part
        waiting += [each for each in values if isinstance(each, dict | list)]
        if isinstance(part, dict):
            found += max(_size(part.get("properties")), _size(part.get("required")))
    return found


def _size(value: Any) -> int:
    return len(value) if isinstance(value, dict | list) else 0
