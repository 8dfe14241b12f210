"""Every kind of constraint, from its text to answers that match it."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.examples import examples
from support.grammars import EOS, allowed, drawn, ids_of, matcher_of, takes, text_of

from penstock.protocol.constraint import Constraint
from penstock.workers.grammar.errors import GrammarError
from penstock.workers.grammar.language import grammar_of
from penstock.workers.grammar.matcher import Matcher

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 9}, "age": {"type": "integer"}},
    "required": ["name", "age"],
}
TAG = {
    "structures": [
        {"begin": "<f=a>", "schema": {"type": "integer"}, "end": "</f>"},
        {"begin": "<f=b>", "schema": {"enum": ["x"]}, "end": "</f>"},
    ],
    "triggers": ["<f="],
}


def schema(value: object, **options: object) -> Constraint:
    return Constraint("json_schema", json.dumps(value), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("constraint", "good", "bad"),
    [
        (schema(PERSON), '{"name": "Bo", "age": 3}', '{"age": 3, "name": "Bo"}'),
        (schema(PERSON), '{\n  "name": "Bo",\n  "age": 3\n}', '{"name": "Bo"}'),
        (schema(True), "[1, {}]", "[1"),
        (schema({"type": "object", "minProperties": 1}), '{"a": 1}', "{}"),
        (schema({"properties": {"minProperties": {"const": 9}}}), '{"minProperties": 9}', '{"x"'),
        (Constraint("json_object"), '{"a": [1, {}]}', "[1]"),
        (Constraint("regex", r"\d{3}-[a-z]+"), "123-abc", "12-abc"),
        (Constraint("regex", r"^a/\"b$"), 'a/"b', "a/b"),
        (Constraint("regex", ""), "", "a"),
        (Constraint("grammar", 'start: "a" b\nb: "x" | "y"'), "ax", "a"),
        (Constraint("grammar", '?start: greeting\ngreeting: "hi" " there"?'), "hi there", "hi  "),
        (Constraint("grammar", 'root ::= "a" tail\ntail ::= [0-9]+ | "z"'), "a42", "ab"),
        (Constraint("grammar", 'start: "f(" %json {"type": "integer"} ")"'), "f(12)", "f(a)"),
        (Constraint("structural_tag", json.dumps(TAG)), "so <f=a>12</f> and", "so <f=c>12</f>"),
        (Constraint("structural_tag", json.dumps(TAG)), "plain", '<f=b>"y"</f>'),
    ],
)
def test_a_constraint_takes_what_it_means_and_nothing_else(
    constraint: Constraint, good: str, bad: str
) -> None:
    assert takes(constraint, good)
    assert not takes(constraint, bad)


@examples(20)
@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=12), min_size=1, max_size=6))
def test_each_choice_can_be_said_and_only_they_can(choices: list[str]) -> None:
    constraint = Constraint("choice", json.dumps(choices))
    assert all(takes(constraint, choice) for choice in choices)
    for seed in range(3):
        assert text_of([*drawn(matcher_of(constraint), seed)]) in choices


@pytest.mark.parametrize(
    ("options", "whitespace"),
    [
        ({}, r" {1,2}|\r?\n[ \t]{0,32}|"),
        ({"whitespace_pattern": r"[\n ]{1,3}"}, r"[\n ]{0,3}"),
        ({"disable_any_whitespace": True}, ""),
    ],
)
def test_whitespace_is_what_the_options_say(options: dict[str, object], whitespace: str) -> None:
    for constraint in (
        schema(
            {"type": "array", "items": {"type": "null"}, "minItems": 8, "maxItems": 8}, **options
        ),
        Constraint("grammar", 'start: %json {"const": [null, {"a": null}]}', **options),  # type: ignore[arg-type]
    ):
        text = text_of([*drawn(matcher_of(constraint), 1)])
        blanks = re.split(r'[\[\],:{}]|null|"a"', text)
        assert json.loads(text)
        assert all(re.fullmatch(whitespace, blank) for blank in blanks)


def test_objects_can_be_closed_and_say_otherwise_where_they_do() -> None:
    inner = {"type": "object", "properties": {"x": {"type": "null"}}}
    free = inner | {"additionalProperties": True}
    value = {"type": "object", "properties": {"a": inner, "b": free}}
    assert takes(schema(value), '{"a": {"y": 1}, "c": 2}')
    closed = schema(value, disable_additional_properties=True)
    assert takes(closed, '{"a": {"x": null}, "b": {"y": 1}}')
    assert not takes(closed, '{"a": {"y": 1}}')
    assert not takes(closed, '{"c": 1}')


def test_what_a_schema_asks_for_is_never_ignored_even_if_it_asks_for_that() -> None:
    unique = {"type": "array", "uniqueItems": True}
    lenient = unique | {"x-guidance": {"lenient": True}}
    for constraint in (
        schema(lenient),
        Constraint("grammar", f"start: %json {json.dumps(unique)}"),
    ):
        with pytest.raises(GrammarError, match="uniqueItems"):
            matcher_of(constraint)


def test_who_writes_a_grammar_may_be_content_with_less() -> None:
    lenient = {"type": "array", "uniqueItems": True, "x-guidance": {"lenient": True}}
    assert takes(Constraint("grammar", f"start: %json {json.dumps(lenient)}"), "[1, 1]")


@pytest.mark.parametrize(
    ("constraint", "reason"),
    [
        (Constraint("json_schema", "[1]"), "object"),
        (Constraint("json_schema", "{"), "not JSON"),
        (Constraint("json_schema", '{"items": ' * 5000 + "{}" + "}" * 5000), "nested"),
        (schema({"if": {"pattern": "a"}, "then": {"minLength": 2}}), "if"),
        (schema({"type": "string", "minLength": 5, "maxLength": 2}), "minLength"),
        (schema({"items": {"type": "object", "minProperties": 2}}), "minProperties"),
        (Constraint("grammar", 'start: %json {"type": "object", "minProperties": 2}'), "minProp"),
        (Constraint("regex", "(?=a)b"), "look-around"),
        (Constraint("regex", "("), "unclosed group"),
        (Constraint("grammar", "start: nothing"), "nothing"),
        (Constraint("grammar", 'root ::= "a'), "line 1"),
        (Constraint("grammar", 'start: <|no_such_token|> "a"'), "no_such_token"),
        (Constraint("structural_tag", "{}"), "format"),
        (Constraint("structural_tag", '{"format": {"type": "nope"}}'), "nope"),
        (Constraint("structural_tag", '{"structures": [], "triggers": ["<"]}'), "empty"),
    ],
)
def test_a_refusal_says_why(constraint: Constraint, reason: str) -> None:
    with pytest.raises(GrammarError, match=reason):
        matcher_of(constraint)


def test_a_tree_of_formats_is_a_structural_tag_as_well() -> None:
    null = {"type": "json_schema", "json_schema": {"type": "null"}}
    digit = {"type": "regex", "pattern": "[0-9]"}
    tree = {
        "type": "sequence",
        "elements": [
            {"type": "const_string", "value": "go "},
            {"type": "tag", "begin": "<t>", "content": {"type": "any_text"}, "end": "</t>"},
            {"type": "or", "elements": [{"type": "regex", "pattern": "[ab/]+"}, null]},
            {
                "type": "tags_with_separator",
                "separator": ",",
                "tags": [{"type": "tag", "begin": "(", "content": digit, "end": ")"}],
            },
        ],
    }
    constraint = Constraint(
        "structural_tag", json.dumps({"type": "structural_tag", "format": tree})
    )
    assert takes(constraint, "go <t>any <thing></t>a/b(1),(2)")
    assert takes(constraint, "go <t></t>null")
    assert not takes(constraint, "go <t></t>null(12)")


def test_a_format_may_insist_on_one_tag_and_stop_after_it() -> None:
    number = {"type": "json_schema", "json_schema": {"type": "integer"}}
    tree = {
        "type": "triggered_tags",
        "triggers": ["<a"],
        "tags": [{"type": "tag", "begin": "<a>", "content": number, "end": "</a>"}],
        "at_least_one": True,
        "stop_after_first": True,
    }
    constraint = Constraint("structural_tag", json.dumps({"format": tree}))
    assert takes(constraint, "so <a>1</a>")
    assert not takes(constraint, "so")
    assert not takes(constraint, "so <a>1</a> on")


def test_a_grammar_goes_through_unchanged_where_it_embeds_no_schema() -> None:
    text = 'start: "%json" /x/\n'
    assert grammar_of(Constraint("grammar", text)) == text


def test_an_answer_that_has_ended_says_nothing_but_its_end() -> None:
    matcher: Matcher = matcher_of(Constraint("regex", "a"))
    matcher.push(*ids_of("a"))
    assert allowed(matcher) == sorted(EOS)
    matcher.push(EOS[0])
    matcher.push(77)
    assert allowed(matcher) == sorted(EOS)
