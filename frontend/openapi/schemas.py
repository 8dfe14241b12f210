"""JSON schemas of the structs that endpoints read and write. Knows structs, not endpoints.

msgspec makes them; what it cannot know is added: the words below each field, the ranges that sampling parameters
are held to, and which fields an answer always has.
"""

from collections.abc import Collection
from typing import Any

import msgspec
from msgspec.inspect import StructType

from penstock.frontend.openapi.field_docs import field_docs
from penstock.frontend.openapi.structs import may_be_absent, structs_in
from penstock.frontend.params import RANGES, Range

Schema = dict[str, Any]
_TOLD = ("properties", "additionalProperties")
REFERENCE = "#/components/schemas/{name}"


class Schemas:
    """The schema of each type (`of`), and the components that they refer to."""

    def __init__(self, read: Collection[Any], written: Collection[Any]) -> None:
        """The types of requests, and those of answers."""
        self.of: dict[Any, Schema] = {}
        self.components: dict[str, Schema] = {}
        requests, answers = structs_in(read), structs_in(written)
        assert not requests.keys() & answers.keys(), "what an answer always has, a request need not"
        self._add(read)
        self._add(written)
        _open_up([*self.of.values(), *self.components.values()])
        for name, struct in (requests | answers).items():
            _describe(self.components[name], struct)
        for name in requests:
            _finish_request(self.components[name])
        for name, struct in answers.items():
            _finish_answer(self.components[name], struct)

    def _add(self, kinds: Collection[Any]) -> None:
        made, components = msgspec.json.schema_components(list(kinds), ref_template=REFERENCE)
        self.of |= dict(zip(kinds, made, strict=True))
        self.components |= components


def _open_up(schemas: list[Any]) -> None:
    """Objects of which nothing is said may hold anything; generators want to be told."""
    while schemas:
        schema = schemas.pop()
        if isinstance(schema, dict):
            if schema.get("type") == "object" and schema.keys().isdisjoint(_TOLD):
                schema["additionalProperties"] = True
            schemas += schema.values()
        elif isinstance(schema, list):
            schemas += schema


def _describe(schema: Schema, struct: StructType) -> None:
    for name, words in field_docs(struct.cls).items():
        schema["properties"][name]["description"] = words


def _finish_request(schema: Schema) -> None:
    """Null is as good as absent, which needs no saying: generators take a default for something always sent."""
    for name, field in schema["properties"].items():
        if field.get("default", ...) is None:
            del field["default"]
        if name in RANGES:
            _number(field).update(_bounds(RANGES[name]))


def _number(field: Schema) -> Schema:
    found: Schema = next(kind for kind in field["anyOf"] if kind["type"] == "number")
    return found


def _bounds(allowed: Range) -> Schema:
    low = {"exclusiveMinimum" if allowed.open_below else "minimum": allowed.low}
    return low if allowed.is_open_above else {**low, "maximum": allowed.high}


def _finish_answer(schema: Schema, struct: StructType) -> None:
    tag = [] if struct.tag_field is None else [struct.tag_field]
    always = [field.encode_name for field in struct.fields if not may_be_absent(field)]
    schema["required"] = tag + always
    for field in schema["properties"].values():
        field.pop("default", None)
