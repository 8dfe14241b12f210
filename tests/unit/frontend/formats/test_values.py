"""Values as models write them become the JSON that the schema asks for."""

import ast
import contextlib
import json
import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.frontend.formats import ToolSpec, json_text
from penstock.frontend.formats.literal import PYTHON, Syntax, literal_as_json
from penstock.frontend.formats.schema_types import ANY, Types, argument_types
from penstock.frontend.formats.tape import MalformedError, Tape
from penstock.frontend.formats.typed_values import as_json

GEMMA = Syntax(quotes=('<|"|>',), escapes=False, loose=True)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)  # fmt: skip


def copied(text: str) -> str:
    """What the reader of JSON passes on of a text, up to what it refuses."""
    tape, parts = Tape(), list[str]()
    tape.feed(text)
    tape.end()
    try:
        for _ in json_text.value(tape, parts.append):
            raise AssertionError
    except MalformedError:
        return "".join(parts) + "!"
    return "".join(parts)


@given(JSON, st.sampled_from((None, 1, 4)), st.booleans())
def test_json_passes_as_it_is(value: Any, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert copied(text) == text


@given(st.text(alphabet='{}[]",:0123456789.eE+-truefalsn\\u \n', max_size=12))
def test_nothing_passes_that_is_no_json(text: str) -> None:
    text = text.strip()
    passed = copied(text)
    if passed.endswith("!"):
        with pytest.raises(ValueError):  # noqa: PT011  json's own
            json.loads(text)
    else:
        json.loads(passed)


@pytest.mark.parametrize("text", ["[" * 1000 + "]" * 1000, '{"a":' * 500 + "1" + "}" * 500])
def test_what_is_nested_too_deeply_does_not_pass(text: str) -> None:
    assert copied(text).endswith("!")
    assert literal_as_json(text, PYTHON) is None


@given(JSON)
def test_python_literals_become_json(value: Any) -> None:
    found = literal_as_json(repr(value), PYTHON)
    assert found is not None
    assert json.loads(found) == value


@given(st.text(alphabet="\"'\\nxu0fab \n", max_size=10))
def test_python_strings_mean_what_they_mean_to_python(inner: str) -> None:
    for quote in ("'", '"', "'''", '"""'):
        found = literal_as_json(quote + inner + quote, PYTHON)
        if found is not None and "\\0" not in inner:  # octal numbers are not read
            with contextlib.suppress(SyntaxError):
                assert json.loads(found) == evaluated(quote + inner + quote)


def evaluated(text: str) -> Any:
    with warnings.catch_warnings(action="ignore"):
        return ast.literal_eval(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(1, 'a', [True, None,],)", [1, "a", [True, None]]),
        ("{'a': {1: -.5}, \"b\": '''x\"y'''}", {"a": {"1": -0.5}, "b": 'x"y'}),
        ("1_000", 1000),
        ("0x10", 16),
        ("'\\x41\\u00e9\\U0001f642\\\n.'", "Aé🙂."),
        ("true", True),
    ],
)
def test_python_spellings(text: str, expected: Any) -> None:
    found = literal_as_json(text, PYTHON)
    assert found is not None
    assert json.loads(found) == expected


@pytest.mark.parametrize(
    "text", ["", "f(x)", "x", "1 + 1", "'a' 'b'", "{1, 2}", "[1 2]", "nan", "'", "r'a'", "[1", "1,"]
)
def test_what_is_no_literal(text: str) -> None:
    assert literal_as_json(text, PYTHON) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{a:<|"|>x "y" \\n<|"|>,b:[1,true,{c:null}],<|"|>d e<|"|>:-2.5}',
         {"a": 'x "y" \\n', "b": [1, True, {"c": None}], "d e": -2.5}),
        ("{city:New York,n:None}", {"city": "New York", "n": None}),
    ],
)  # fmt: skip
def test_gemma_spellings(text: str, expected: Any) -> None:
    found = literal_as_json(text, GEMMA)
    assert found is not None
    assert json.loads(found) == expected


STRING, NUMBER = frozenset(("string",)), frozenset(("number",))


@pytest.mark.parametrize(
    ("text", "types", "expected"),
    [
        ("12", STRING, '"12"'),
        ('"12"', STRING, '"\\"12\\""'),
        ("12", ANY, "12"),
        (" [1, 2]\n", ANY, "[1, 2]"),
        ("hello", ANY, '"hello"'),
        ("1.50", NUMBER, "1.50"),
        ("NaN", NUMBER, '"NaN"'),
        ("12345678901234567890123", NUMBER, "12345678901234567890123"),
        ("True", frozenset(("boolean",)), "true"),
        ("None", frozenset(("null", "integer")), "null"),
        ("null", STRING | {"null"}, "null"),
        ("12", STRING | {"null"}, '"12"'),
        ("12", STRING | {"number"}, "12"),
        ("{'a': [1]}", frozenset(("object",)), '{"a": [1]}'),
        ("{a: 1}", frozenset(("object",)), '{"a": 1}'),
        ("{a + 1}", frozenset(("object",)), '"{a + 1}"'),
        ("", ANY, '""'),
        ("[" * 100_000, ANY, '"' + "[" * 100_000 + '"'),
    ],
)
def test_text_between_tags_is_typed(text: str, types: Types, expected: str) -> None:
    assert as_json(text, types) == expected


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string"}, STRING),
        ({"type": ["string", "null"]}, STRING | {"null"}),
        ({"enum": ["a", 1]}, STRING | {"integer"}),
        ({"const": None}, frozenset(("null",))),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, STRING | {"null"}),
        ({"allOf": [{"type": ["string", "null"]}, {"type": "string"}]}, STRING),
        ({"$ref": "#/$defs/word"}, STRING),
        ({"$ref": "#/$defs/loop"}, ANY),
        ({"$ref": "#/nowhere"}, ANY),
        ({"type": "string", "nullable": True}, STRING | {"null"}),
        ({"properties": {}}, frozenset(("object",))),
        ({}, ANY),
        (True, ANY),
    ],
)  # fmt: skip
def test_types_that_a_schema_allows(schema: Any, expected: Types) -> None:
    definitions = {"word": {"type": "string"}, "loop": {"anyOf": [{"$ref": "#/$defs/loop"}] * 9}}
    tool = ToolSpec("f", {"properties": {"a": schema}, "$defs": definitions})
    assert argument_types(tool, "a") == expected
    assert argument_types(tool, "b") == ANY
    assert argument_types(None, "a") == ANY
