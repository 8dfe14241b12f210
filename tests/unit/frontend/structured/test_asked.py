"""One constraint out of every spelling; several, none and malformed ones are refused by name."""

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.frontend.errors import ApiError
from penstock.frontend.structured import StructuredFields, constraint_of
from penstock.frontend.structured import bounds as module
from penstock.protocol.constraint import Constraint

SCHEMA = {"type": "object"}
SCHEMA_TEXT = '{"type": "object"}'
DISABLED = ("any_whitespace", "additional_properties")


def asked(fields: dict[str, Any]) -> Constraint | None:
    text = json.dumps(fields)
    return constraint_of(msgspec.json.decode(text, type=StructuredFields, strict=False))


def refusal(fields: dict[str, Any]) -> ApiError:
    with pytest.raises(ApiError) as raised:
        asked(fields)
    assert raised.value.status == 400
    return raised.value


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"response_format": None, "structured_outputs": None, "guided_json": None},
        {"response_format": {"type": "text"}},
        {"guided_decoding_backend": "xgrammar", "guided_whitespace_pattern": " *"},
    ],
)
def test_nothing_asked_is_no_constraint(fields: dict[str, Any]) -> None:
    assert asked(fields) is None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"response_format": {"type": "json_object"}}, Constraint("json_object")),
        (
            {"response_format": {"type": "json_object", "schema": SCHEMA}},
            Constraint("json_schema", SCHEMA_TEXT),
        ),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}},
            Constraint("json_schema", SCHEMA_TEXT),
        ),
        (
            {"response_format": {"type": "structural_tag", "structures": [], "triggers": ["<"]}},
            Constraint("structural_tag", '{"structures":[],"triggers":["<"]}'),
        ),
        ({"structured_outputs": {"json": SCHEMA}}, Constraint("json_schema", SCHEMA_TEXT)),
        ({"structured_outputs": {"json": SCHEMA_TEXT}}, Constraint("json_schema", SCHEMA_TEXT)),
        ({"structured_outputs": {"json": True}}, Constraint("json_schema", "true")),
        ({"structured_outputs": {"regex": "a+"}}, Constraint("regex", "a+")),
        ({"structured_outputs": {"choice": ["ü", "b"]}}, Constraint("choice", '["ü","b"]')),
        ({"structured_outputs": {"grammar": "start: X"}}, Constraint("grammar", "start: X")),
        ({"structured_outputs": {"json_object": True}}, Constraint("json_object")),
        ({"structured_outputs": {"structural_tag": "{}"}}, Constraint("structural_tag", "{}")),
        ({"guided_json": SCHEMA_TEXT}, Constraint("json_schema", SCHEMA_TEXT)),
        ({"guided_regex": ""}, Constraint("regex", "")),
        ({"guided_choice": [""]}, Constraint("choice", '[""]')),
        ({"guided_grammar": "root ::= x"}, Constraint("grammar", "root ::= x")),
        (
            {"guided_json": SCHEMA, "guided_whitespace_pattern": r"[\n ]?"},
            Constraint("json_schema", SCHEMA_TEXT, whitespace_pattern=r"[\n ]?"),
        ),
        (
            {"structured_outputs": {"json": SCHEMA} | {f"disable_{what}": True for what in DISABLED}},
            Constraint("json_schema", SCHEMA_TEXT, None, True, True),
        ),
    ],
)  # fmt: skip
def test_every_spelling_is_understood(fields: dict[str, Any], expected: Constraint) -> None:
    assert asked(fields) == expected


@pytest.mark.parametrize(
    ("fields", "words", "param"),
    [
        ({"structured_outputs": {"regex": "a", "choice": ["b"]}}, "only use one kind", "structured_outputs"),
        ({"guided_regex": "a", "structured_outputs": {"choice": ["b"]}}, "only use one kind", "structured_outputs"),
        ({"guided_regex": "a", "response_format": {"type": "json_object"}}, "only use one kind", "response_format"),
        ({"structured_outputs": {}}, "must use one kind", "structured_outputs"),
        ({"structured_outputs": {"json_object": False}}, "must use one kind", "structured_outputs"),
        ({"response_format": {"type": "json_schema"}}, "'json_schema' field must be provided", "response_format"),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, "schema is required", "response_format"),
        ({"response_format": {"type": "xml"}}, "must be one of text, json_object", "response_format"),
        ({"guided_choice": []}, "empty list", "guided_choice"),
        ({"guided_choice": ["a"] * 10_001}, "at most 10000", "guided_choice"),
        ({"guided_regex": "a\0"}, "NUL", "guided_regex"),
        ({"guided_regex": "a" * (1 << 16)}, "at most", "guided_regex"),
        ({"guided_grammar": " \n"}, "cannot be empty", "guided_grammar"),
        ({"guided_json": "{"}, "not valid JSON", "guided_json"),
        ({"guided_json": [1]}, "is an object", "guided_json"),
        ({"guided_json": 3}, "is an object", "guided_json"),
        ({"guided_json": {"const": "x" * (1 << 18)}}, "at most", "guided_json"),
        ({"guided_json": SCHEMA, "guided_whitespace_pattern": "x"}, "spaces", "guided_whitespace_pattern"),
        ({"structured_outputs": {"json": SCHEMA, "whitespace_pattern": r"\W"}}, "spaces", "structured_outputs"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_field(fields: dict[str, Any], words: str, param: str) -> None:
    error = refusal(fields)
    assert words in str(error)
    assert error.param == param


def test_schemas_nest_as_deep_as_is_safe() -> None:
    def nested(depth: int) -> dict[str, Any]:
        schema: dict[str, Any] = {"title": "[[[{{{" * 50}
        for _ in range(depth - 1):
            schema = {"items": schema}
        return {"guided_json": schema}

    assert asked(nested(module.MAX_NESTING)) is not None
    assert "nested" in str(refusal(nested(module.MAX_NESTING + 1)))


def test_an_unknown_name_within_structured_outputs_is_an_error() -> None:
    with pytest.raises(msgspec.ValidationError, match="jsn"):
        asked({"structured_outputs": {"jsn": {}}})


def test_any_blank_means_those_of_json() -> None:
    for given_text, expected in ((r"\s?", r"[ \t\n\r]?"), (r"[\s]{0,3}", r"[ \t\n\r]{0,3}")):
        assert module.whitespace_text("x", given_text) == expected


@given(st.text(alphabet='()[]{}|?*+\\sntrx0d,19 ab"-', max_size=300))
def test_any_whitespace_pattern_is_judged_at_once(pattern: str) -> None:
    with contextlib.suppress(ApiError):
        assert module.whitespace_text("x", pattern) is not None
