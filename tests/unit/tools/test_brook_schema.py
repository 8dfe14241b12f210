"""The small schema checker accepts what is valid and refuses what is not."""

import pytest
from brook.schema import call_ok, calls_in, matches, parsed

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "size": {"type": "string", "enum": ["small", "large"]},
    },
    "required": ["name"],
    "additionalProperties": False,
}
TOOLS = [{"function": {"name": "f", "parameters": PERSON}}]


@pytest.mark.parametrize(
    "value", [{"name": "A"}, {"name": "A", "age": 3, "tags": ["x"], "size": "small"}]
)
def test_valid_values_pass(value: object) -> None:
    assert matches(value, PERSON)


@pytest.mark.parametrize(
    "value",
    [
        {},
        [],
        {"name": 1},
        {"name": "A", "age": True},
        {"name": "A", "age": 1.5},
        {"name": "A", "tags": [1]},
        {"name": "A", "size": "huge"},
        {"name": "A", "more": 1},
    ],
)
def test_invalid_values_fail(value: object) -> None:
    assert not matches(value, PERSON)


def test_calls_are_found_parsed_and_checked() -> None:
    good, bad = '{"name": "f", "arguments": {"name": "A"}}', '{"name": "g", "arguments": {}}'
    found = calls_in(f"<tool_call>\n{good}\n</tool_call>\n<tool_call>\n{bad}\n</tool_call>")
    assert [call_ok(call, TOOLS) for call in found] == [True, False]
    assert calls_in("<tool_call>\n{oops\n</tool_call>") == [None]
    assert not call_ok(None, TOOLS)


def test_text_that_is_not_json_is_none() -> None:
    assert parsed("hello") is None
