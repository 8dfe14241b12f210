"""Keywords that the grammar engine lacks: what is said is valid, and what is valid can be said."""

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from support.examples import examples
from support.grammars import drawn, matcher_of, takes, text_of

from penstock.protocol.constraint import Constraint
from penstock.workers.grammar.errors import GrammarError
from penstock.workers.grammar.keywords import with_known_keywords

NAMES = ("a", "b", "c")
VALUES = ("x", "y", 1, True, None)
ADDRESS = {
    "type": "object",
    "properties": {
        "country": {"$ref": "#/$defs/country"},
        "zip": {"type": "string", "maxLength": 9},
    },
    "required": ["country", "zip"],
    "if": {"properties": {"country": {"const": "US"}}},
    "then": {"properties": {"zip": {"pattern": "^[0-9]{5}$"}}},
    "else": {"properties": {"zip": {"pattern": "^[A-Z]{2}$"}}},
    "$defs": {"country": {"enum": ["US", "NL"]}},
}
RECORD = {"type": "object", "additionalProperties": {"type": "integer"}}


def constraint(schema: object, **options: bool) -> Constraint:
    return Constraint("json_schema", json.dumps(schema), **options)


def is_valid(schema: Any, instance: object) -> bool:
    return Draft202012Validator(schema).is_valid(instance)


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        (RECORD | {"propertyNames": {"type": "string"}}, '{"a b": 1}', '{"a": "x"}'),
        (RECORD | {"propertyNames": {"enum": ["a", "b"]}}, '{"b": 1}', '{"c": 1}'),
        (RECORD | {"propertyNames": {"pattern": "^a"}}, '{"ab": 1}', '{"b": 1}'),
        (RECORD | {"propertyNames": {"maxLength": 2}}, '{"ab": 1}', '{"abc": 1}'),
        (
            RECORD
            | {"propertyNames": {"$ref": "#/$defs/kind"}, "$defs": {"kind": {"const": "a/b"}}},
            '{"a/b": 1}',
            '{"a": 1}',
        ),
        (
            RECORD | {"properties": {"a": {}, "b": {}}, "propertyNames": {"enum": ["b"]}},
            '{"b": null}',
            '{"a": 1}',
        ),
        ({"dependentRequired": {"a": ["b"]}}, '{"b": 1}', '{"a": 1}'),
        ({"dependentRequired": {"then": ["b"]}}, '{"b": 1}', '{"then": 1}'),
        ({"dependentSchemas": {"a": {"required": ["b"]}, "b": False}}, '{"c": 1}', '{"a": 1}'),
        ({"not": {"type": ["string", "number"]}}, "null", "1"),
        ({"not": {"required": ["a"]}}, '{"b": 1}', '{"a": 1}'),
        ({"not": {"anyOf": [{"minimum": 5}, {"type": "null"}]}, "type": "integer"}, "4", "5"),
        ({"enum": ["x", 1, True], "not": {"enum": [1, "x"]}}, "true", "1"),
        ({"properties": {"a": {"not": {}}}}, '{"b": 1}', '{"a": 1}'),
        ({"if": {"required": ["a"]}, "then": {"required": ["b"]}}, '{"b": 1}', '{"a": 1}'),
        ({"if": {"type": "string"}, "then": {"minLength": 2}, "else": False}, '"xy"', '"x"'),
        (ADDRESS, '{"country": "US", "zip": "12345"}', '{"country": "US", "zip": "AB"}'),
        (ADDRESS, '{"country": "NL", "zip": "AB"}', '{"country": "NL", "zip": "12345"}'),
        (
            {"oneOf": [{"required": ["a"]}, {"required": ["b"]}], "type": "object"},
            '{"b": 1}',
            '{"a": 1, "b": 1}',
        ),
        ({"type": "array", "uniqueItems": True, "maxItems": 1}, "[1]", "[1, 1]"),
        ({"type": "array", "uniqueItems": False, "minContains": 3}, "[1, 1]", "1"),
        (
            {
                "allOf": [{"$ref": "#/$defs/base"}],
                "properties": {"b": {"type": "null"}},
                "unevaluatedProperties": False,
                "$defs": {"base": {"properties": {"a": {"type": "integer"}}}},
            },
            '{"a": 1, "b": null}',
            '{"c": 1}',
        ),
        (
            {"allOf": [{"prefixItems": [{"const": 1}]}], "unevaluatedItems": {"type": "null"}},
            "[1, null]",
            "[1, 1]",
        ),
        (
            {"additionalProperties": {"type": "integer"}, "unevaluatedProperties": False},
            '{"a": 1}',
            '{"a": null}',
        ),
    ],
)
def test_a_keyword_takes_what_it_means_and_nothing_else(schema: Any, good: str, bad: str) -> None:
    assert is_valid(schema, json.loads(good))
    assert not is_valid(schema, json.loads(bad))
    assert takes(constraint(schema), good)
    assert not takes(constraint(schema), bad)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "uniqueItems": True},
        {"contains": {"type": "null"}},
        {"not": {"type": "integer"}},
        {"not": {"const": "x"}},
        {"not": {"const": []}, "enum": [[], 1]},
        {"not": {"pattern": "a"}},
        {"if": {"properties": {"a": {"const": 1}}}, "then": {"required": ["b"]}},
        {"propertyNames": {"pattern": "^a"}, "properties": {"b": {}}},
        {"propertyNames": {"minLength": 2, "pattern": "a"}},
        {"propertyNames": {"enum": ["a"]}, "patternProperties": {"a": {}}},
        {"anyOf": [{"properties": {"a": True}}], "unevaluatedProperties": False},
        {"$ref": "other.json", "unevaluatedProperties": False},
        {"items": {"$id": "b", "unevaluatedItems": False, "$ref": "#"}, "$defs": {}},
        {"contains": {}, "unevaluatedItems": False},
    ],
)
def test_what_has_no_equal_is_refused(schema: Any) -> None:
    with pytest.raises(GrammarError):
        matcher_of(constraint(schema))


def members(part: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(NAMES), part, max_size=3)


def names() -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(NAMES), max_size=2, unique=True)


def over(part: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Objects of few members, by all keywords that name, count or forbid some."""
    some = st.lists(part, min_size=1, max_size=2)
    return st.fixed_dictionaries(
        {},
        optional={
            "properties": members(part),
            "required": names(),
            "additionalProperties": st.booleans(),
            "unevaluatedProperties": st.booleans(),
            "dependentRequired": members(names()),
            "dependentSchemas": members(part),
            "propertyNames": st.builds(lambda some: {"enum": some}, names()),
            "not": part,
            "if": part,
            "then": part,
            "else": part,
            "allOf": some,
            "anyOf": some,
            "oneOf": st.lists(st.builds(lambda some: {"required": some}, names()), min_size=1),
        },
    )


SCHEMAS = st.recursive(
    st.booleans()
    | st.builds(lambda values: {"enum": values}, st.lists(st.sampled_from(VALUES), min_size=1))
    | st.builds(lambda kind: {"type": kind}, st.sampled_from(["object", "null", "integer"])),
    over,
    max_leaves=6,
)
INSTANCES = st.sampled_from(VALUES) | st.dictionaries(
    st.sampled_from(NAMES), st.sampled_from(VALUES)
)


@examples(400)
@given(SCHEMAS, INSTANCES)
def test_rewritten_keywords_mean_what_the_others_meant(schema: Any, instance: object) -> None:
    assume(isinstance(schema, dict))
    known = with_known_keywords(schema)
    assume("unevaluated" not in json.dumps(known))  # what is left over, the engine refuses
    assert is_valid(known, instance) == is_valid(schema, instance)


def test_what_depends_on_the_instance_is_refused_though_other_keywords_were_said_anew() -> None:
    schema = {"unevaluatedProperties": False, "if": False, "dependentRequired": {"a": ["b"]}}
    with pytest.raises(GrammarError, match="unevaluatedProperties"):
        matcher_of(constraint(schema))


@examples(150)
@given(SCHEMAS, st.lists(INSTANCES, min_size=1, max_size=4), st.integers(0, 1000))
def test_what_is_said_is_valid(schema: Any, instances: list[object], seed: int) -> None:
    assume(isinstance(schema, dict))
    asked = constraint(schema)
    try:
        answer = [*drawn(matcher_of(asked), seed, 60)]
    except GrammarError:
        return
    for instance in instances:
        assert is_valid(schema, instance) or not takes(asked, json.dumps(instance))
    if answer[-1] in (0, 2):
        assert is_valid(schema, json.loads(text_of(answer)))


def test_names_may_have_a_format() -> None:
    days = constraint(RECORD | {"propertyNames": {"format": "date"}})
    assert takes(days, '{"2024-02-29": 1}')
    assert not takes(days, '{"2023-02-29": 1}')


def test_an_option_that_closes_objects_leaves_conditions_open() -> None:
    closed = constraint(
        ADDRESS | {"dependentRequired": {"zip": ["country"]}}, disable_additional_properties=True
    )
    assert takes(closed, '{"country": "US", "zip": "12345"}')
    assert not takes(closed, '{"country": "US", "zip": "12345", "c": 1}')


@pytest.mark.parametrize("number", ["\\u0061", "\\u0041"])
def test_no_member_passes_under_another_spelling_of_its_name(number: str) -> None:
    listed = {"properties": {"a": {"const": 1}, "A": False}}
    pattern = {"patternProperties": {"^[aA]$": {"const": 1}}}
    for schema in (listed, pattern):
        assert not is_valid(schema, json.loads(f'{{"{number}": 2}}'))
        assert not takes(constraint(schema), f'{{"{number}": 2}}')


def test_control_characters_are_spelled_by_number_where_a_schema_has_them() -> None:
    closed = {"properties": {"a\x00b": {"const": "\x7f"}}, "additionalProperties": False}
    assert takes(constraint(closed), r'{"a\u0000b": "\u007f"}')
    assert takes(constraint({"enum": ["\n\\u0001", 1]}), '"\\n\\\\u0001"')
    open_one = {"properties": {"a\x00b": {"const": 1}}}
    with pytest.raises(GrammarError, match="additionalProperties"):
        matcher_of(constraint(open_one))
    lenient = json.dumps(open_one | {"x-guidance": {"lenient": True}})
    assert takes(Constraint("grammar", f"start: %json {lenient}"), r'{"a\u0000b": 1}')
