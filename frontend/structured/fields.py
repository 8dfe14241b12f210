"""The fields that ask for structured output, as clients spell them. Knows types, not bounds or meanings."""

from typing import Any

import msgspec
from msgspec import Raw, field


def _not_given() -> Any:
    """By a factory: a default would have to be shown in the API's description, as JSON, which it is not."""
    return field(default_factory=Raw)


class JsonSchemaFormat(msgspec.Struct, frozen=True):
    name: str | None = None
    description: str | None = None
    schema: Raw = _not_given()
    strict: bool | None = None
    """Taken and without effect: schemas are always enforced to the letter."""


class ResponseFormat(msgspec.Struct, frozen=True):
    type: str
    json_schema: JsonSchemaFormat | None = None
    schema: Raw = _not_given()
    """Of a json_object, as some servers have it."""
    structures: Raw = _not_given()
    triggers: Raw = _not_given()
    format: Raw = _not_given()


class StructuredOutputs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is unknown here is refused: a constraint that is dropped in silence does harm."""

    json: Raw = _not_given()
    regex: str | None = None
    choice: list[str] | None = None
    grammar: str | None = None
    json_object: bool | None = None
    structural_tag: Raw = _not_given()
    whitespace_pattern: str | None = None
    disable_any_whitespace: bool | None = None
    disable_additional_properties: bool | None = None
    disable_fallback: bool | None = None
    """Taken and without effect: there is one engine."""


class StructuredFields(msgspec.Struct, kw_only=True):
    """At most one of them may ask for something; `guided_*` are how older clients say it."""

    response_format: ResponseFormat | None = None
    structured_outputs: StructuredOutputs | None = None
    guided_json: Raw = _not_given()
    guided_regex: str | None = None
    guided_choice: list[str] | None = None
    guided_grammar: str | None = None
    guided_whitespace_pattern: str | None = None
    guided_decoding_backend: str | None = None
    """Taken and without effect: there is one engine."""
