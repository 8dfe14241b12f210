"""The JSON schema of one person, and of many: what benches of constraints ask for. Knows no request."""

from typing import Any

PERSON: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 20},
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 12}, "maxItems": 4},
    },
    "required": ["name", "age", "tags"],
    "additionalProperties": False,
}
PEOPLE: dict[str, Any] = {"type": "array", "items": PERSON, "minItems": 200}
