"""Grammars are written in time and size by the schemas' length, whatever these are made of."""

import time
from typing import Any

import pytest

from penstock.frontend.formats import ToolSpec, calls_grammar, tool_format

WELL_UNDER_S = 0.5


def written(name: str, parameters: dict[str, Any]) -> str:
    """Within little time."""
    began = time.process_time()
    grammar = calls_grammar(tool_format(name), [ToolSpec("look", parameters)], True)
    assert time.process_time() - began < WELL_UNDER_S
    return grammar


def test_a_pattern_of_many_escapes() -> None:
    pattern = "^(" + r"\a" * 23 + "|("
    assert "look" in written(
        "qwen3_coder", {"properties": {"a": {"type": "string", "pattern": pattern}}}
    )


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("^(a|b)$", "/((a|b))/"),
        (r"^(a|\))$", r"/((a|\)))/"),
        ("a|b", "/(?s:.*)(a|b)(?s:.*)/"),
        (r"^(a|b\)$", r"/(?s:.*)(^(a|b\)$)(?s:.*)/"),
    ],
)
def test_a_pattern_may_match_anywhere(pattern: str, expected: str) -> None:
    properties = {"a": {"type": "string", "pattern": pattern}}
    assert expected in written("qwen3_coder", {"properties": properties})


@pytest.mark.parametrize("name", ["gemma4", "hermes", "qwen3_coder", "pythonic"])
def test_alternatives_that_refer_to_the_same_are_written_once(name: str) -> None:
    two = [{"anyOf": [{"$ref": f"#/$defs/n{i + 1}"}] * 2} for i in range(22)]
    definitions = {f"n{i}": each for i, each in enumerate([*two, {"type": "string"}])}
    parameters = {"$defs": definitions, "properties": {"a": {"$ref": "#/$defs/n0"}}}
    assert len(written(name, parameters)) < 10_000


def test_an_alternative_may_refer_to_the_whole() -> None:
    nested = {"anyOf": [{"type": "integer"}, {"type": "array", "items": {"$ref": "#/$defs/a"}}]}
    parameters = {"$defs": {"a": nested}, "properties": {"a": {"$ref": "#/$defs/a"}}}
    assert "look" in written("gemma4", parameters)
    itself = {"anyOf": [{"$ref": "#/$defs/a"}, {"type": "integer"}]}
    parameters = {"$defs": {"a": itself}, "properties": {"a": {"$ref": "#/$defs/a"}}}
    assert "look" in written("gemma4", parameters)


@pytest.mark.parametrize("name", ["gemma4", "hermes", "qwen3_coder", "pythonic"])
def test_many_required_properties(name: str) -> None:
    names = [f"p{number}" for number in range(4096)]
    properties = {each: {"type": "string"} for each in names}
    assert "p4095" in written(name, {"properties": properties, "required": names})


@pytest.mark.parametrize("name", ["gemma4", "qwen3_coder", "pythonic"])
def test_many_properties_that_each_refer_to_something(name: str) -> None:
    definitions = {f"d{number}": {"type": "integer"} for number in range(2000)}
    properties = {f"p{number}": {"$ref": f"#/$defs/d{number}"} for number in range(2000)}
    assert "p1999" in written(name, {"$defs": definitions, "properties": properties})
