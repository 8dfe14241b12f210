"""Which JSON types a schema lets an argument have. Validates nothing."""

from typing import Any

from penstock.frontend.formats.tools import ToolSpec

Types = frozenset[str]
ANY: Types = frozenset(("string", "number", "integer", "boolean", "object", "array", "null"))
_MAX_DEPTH = 32
_OF_VALUE = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
_IMPLIED = {"properties": "object", "items": "array"}


def argument_types(tool: ToolSpec | None, argument: str) -> Types:
    """ANY where nothing is known of it."""
    schema = tool.parameters if tool else {}
    properties = schema.get("properties")
    if not isinstance(properties, dict) or argument not in properties:
        return ANY
    return schema_types(properties[argument], schema)


def schema_types(schema: Any, root: dict[str, Any]) -> Types:
    """`root` is what references start from."""
    return _Schema(root).types(schema)


def type_of(value: Any) -> str:
    """Of a decoded JSON value."""
    return _OF_VALUE.get(type(value), "array" if isinstance(value, list) else "object")


class _Schema:
    """Follows each reference once, so that no schema takes longer than it is long."""

    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root
        self._followed: set[str] = set()

    def types(self, schema: Any, depth: int = 0) -> Types:
        if not isinstance(schema, dict) or depth > _MAX_DEPTH:
            return ANY
        found = _stated(schema)
        for alternatives in (schema.get("anyOf"), schema.get("oneOf")):
            if isinstance(alternatives, list) and alternatives:
                found &= frozenset().union(*(self.types(each, depth + 1) for each in alternatives))
        for each in _listed(schema.get("allOf")):
            found &= self.types(each, depth + 1)
        if isinstance(reference := schema.get("$ref"), str):
            found &= self._referred(reference, depth)
        return found | {"null"} if schema.get("nullable") is True else found

    def _referred(self, reference: str, depth: int) -> Types:
        if reference in self._followed:
            return ANY
        self._followed.add(reference)
        target: Any = self._root
        for part in reference.removeprefix("#").split("/")[1:]:
            target = target.get(part) if isinstance(target, dict) else None
        return self.types(target, depth + 1)


def _stated(schema: dict[str, Any]) -> Types:
    if isinstance(values := schema.get("enum"), list):
        return frozenset(map(type_of, values))
    if "const" in schema:
        return frozenset((type_of(schema["const"]),))
    stated = schema.get("type")
    if isinstance(stated, str):
        return frozenset((stated,))
    if isinstance(stated, list):
        return frozenset(each for each in stated if isinstance(each, str))
    implied = frozenset(kind for key, kind in _IMPLIED.items() if key in schema)
    return implied or ANY


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
