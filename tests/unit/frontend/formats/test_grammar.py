"""What the grammar of a format lets through, its parser reads as valid calls; prose it lets not through."""

import contextlib
import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.answer_samples import LOOK, TOOLS, TWO_CALLS
from support.answers import parsed
from support.format_vocabulary import Vocabulary, pieces, with_markers
from support.small_schema import is_valid

from penstock.frontend.formats import (
    AnswerFormat,
    GrammarError,
    ToolSpec,
    calls_grammar,
    tool_format,
)
from penstock.frontend.formats.tool_formats import KNOWN

llguidance = pytest.importorskip("llguidance")

NAMES = sorted(each.name for each in KNOWN)
SPECS = [ToolSpec(name, parameters, strict=True) for name, parameters in TOOLS.items()]
WRITTEN = {
    **TWO_CALLS,
    "mistral": f"[TOOL_CALLS]look[ARGS]{LOOK[1]}[TOOL_CALLS]wait[ARGS]{{}}",
    "openai": f"<|channel|>commentary to=functions.look <|constrain|>json<|message|>{LOOK[1]}<|call|>"
    "<|channel|>commentary to=functions.wait <|constrain|>json<|message|>{}<|call|>",
}
RICH = {
    "type": "object",
    "properties": {
        "word": {"type": "string", "maxLength": 6},
        "color": {"type": "string", "enum": ["red", "blue \"or\" 'green'", "a\nb"]},
        "code": {"type": "string", "pattern": "^[A-Z]{2}[0-9]/$"},
        "kind": {"anyOf": [{"type": "string", "maxLength": 4}, {"type": "null"}, {"type": "integer"}]},
        "size": {"type": "number", "minimum": 1, "maximum": 9},
        "count": {"type": "integer"},
        "sure": {"type": "boolean"},
        "dots": {"type": "array", "items": {"$ref": "#/$defs/dot"}, "minItems": 1, "maxItems": 2},
        "tree": {"$ref": "#/$defs/tree"},
    },
    "required": ["color", "size", "dots"],
    "additionalProperties": False,
    "$defs": {
        "dot": {
            "type": "object",
            "properties": {"x": {"type": "integer"}, "on": {"type": "boolean"}},
            "required": ["x"],
            "additionalProperties": False,
        },
        "tree": {
            "type": "object",
            "properties": {
                "name": {"type": "string", "maxLength": 3},
                "of": {"type": "array", "items": {"$ref": "#/$defs/tree"}, "maxItems": 1},
            },
            "required": ["name"],
            "additionalProperties": False,
        },
    },
}  # fmt: skip


@pytest.fixture(params=["markers are text", "markers are tokens"])
def vocabulary(request: pytest.FixtureRequest, name: str) -> Vocabulary:
    return with_markers(tool_format(name) if request.param == "markers are tokens" else None)


@pytest.mark.parametrize("name", NAMES)
def test_the_models_own_calls_are_let_through(name: str, vocabulary: Vocabulary) -> None:
    assert vocabulary.accepts(matcher(vocabulary, name, SPECS, True), WRITTEN[name])
    assert not vocabulary.accepts(matcher(vocabulary, name, SPECS, False), WRITTEN[name])


@pytest.mark.parametrize(
    ("name", "opener"),
    [
        (name, each)
        for name in NAMES
        for each in (*tool_format(name).opens, *tool_format(name).enters)
    ],
)
def test_whatever_is_read_as_an_opener_may_be_written(
    name: str, opener: str, vocabulary: Vocabulary
) -> None:
    """Where a call ends reasoning, it does so behind any of them."""
    declared = tool_format(name)
    found = matcher(vocabulary, name, SPECS, True)
    ids = vocabulary.tokenizer.tokenize_str(opener)
    assert found.try_consume_tokens(ids) == len(ids)
    text = opener + walk(found, vocabulary, random.Random(opener), name)
    read = parsed(AnswerFormat(declared).parser(SPECS), [text])
    assert read[:2] == ("", ""), text
    assert {called for called, _ in read[2]} <= set(TOOLS)
    assert read[2]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "change", [("look", "jump"), ("2", '"2"'), ("wait", "look"), ("look", "Look")]
)
def test_other_calls_are_not(name: str, change: tuple[str, str], vocabulary: Vocabulary) -> None:
    text = WRITTEN[name].replace(*change)
    assert not vocabulary.accepts(matcher(vocabulary, name, SPECS, True), text)


@pytest.mark.parametrize("name", NAMES)
def test_prose_is_not(name: str, vocabulary: Vocabulary) -> None:
    for text in ("Hello", "", "\n" * 20 + WRITTEN[name], WRITTEN[name] + " Hello"):
        assert not vocabulary.accepts(matcher(vocabulary, name, SPECS, True), text)


def matcher(
    vocabulary: Vocabulary, name: str, tools: list[ToolSpec], parallel: bool
) -> "llguidance.LLMatcher":
    return vocabulary.compiled(calls_grammar(tool_format(name), tools, parallel, vocabulary.ids))


def walk(
    found: "llguidance.LLMatcher", vocabulary: Vocabulary, rng: random.Random, name: str
) -> str:
    return vocabulary.walked(found, rng, pieces(tool_format(name), WRITTEN[name]))


@pytest.mark.parametrize("name", NAMES)
def test_whatever_it_lets_through_is_read_as_valid_calls(name: str, vocabulary: Vocabulary) -> None:
    tools = [*SPECS, ToolSpec("paint", RICH, strict=True)]
    schemas = {**TOOLS, "paint": RICH}
    rng = random.Random(name)
    for _ in range(12):
        text = walk(matcher(vocabulary, name, tools, True), vocabulary, rng, name)
        reasoning, content, calls = parsed(AnswerFormat(tool_format(name)).parser(tools), [text])
        assert (reasoning, content) == ("", ""), text
        assert calls
        for called, arguments in calls:
            assert is_valid(json.loads(arguments), schemas[called]), (text, arguments)


JSON_SCHEMA_KEYS = (
    "type", "properties", "required", "items", "anyOf", "oneOf", "allOf", "enum", "const", "$ref", "$defs",
    "pattern", "minLength", "maxLength", "minItems", "maxItems", "additionalProperties", "a",
)  # fmt: skip
ANYTHING = st.recursive(
    st.sampled_from(
        ("object", "string", "array", "null", "#/$defs/a", "#", "a", 1, -1, None, True)
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(JSON_SCHEMA_KEYS), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.sampled_from(JSON_SCHEMA_KEYS), ANYTHING, max_size=5), st.booleans())
@pytest.mark.parametrize("name", ["hermes", "qwen3_coder", "gemma4", "pythonic"])
def test_a_schema_that_makes_no_sense_is_refused_or_written(
    name: str, parameters: dict[str, Any], strict: bool
) -> None:
    with contextlib.suppress(GrammarError):
        tool = ToolSpec("look", parameters, strict)
        assert calls_grammar(tool_format(name), [tool], True).startswith("start:")


DEEP: dict[str, Any] = {"type": "string"}
for _ in range(5000):
    DEEP = {"type": "object", "properties": {"a": DEEP}}
LARGE = {f"p{i}": {"$ref": "#/$defs/a"} for i in range(500)}


@pytest.mark.parametrize(
    ("name", "parameters", "reason"),
    [
        ("hermes", DEEP, "nested too deeply"),
        ("gemma4", DEEP, "nested too deeply"),
        ("qwen3_coder", {"properties": {"a>b": {}}}, "cannot write the name"),
        ("pythonic", {"properties": {"a b": {}}}, "cannot write the name"),
        ("gemma4", {"properties": {'<|"|>': {}}}, "cannot write the name"),
        ("qwen3_coder", {"anyOf": [{}]}, "use anyOf"),
        ("qwen3_coder", {"properties": {"a": {"type": "string", "maxLength": "}"}}}, "a count"),
        ("qwen3_coder", {"properties": {"a": {"enum": ["</parameter>"]}}}, "no value"),
        ("pythonic", {"properties": LARGE, "$defs": {"a": {"const": "x" * 10_000}}}, "characters"),
    ],
)  # fmt: skip
def test_what_a_format_cannot_say_is_refused_with_the_reason(
    name: str, parameters: dict[str, Any], reason: str
) -> None:
    with pytest.raises(GrammarError, match=reason):
        calls_grammar(tool_format(name), [ToolSpec("look", parameters)], True)


@pytest.fixture(scope="module")
def plain() -> Vocabulary:
    """Markers are text."""
    return Vocabulary(())


NAME_CHARS = "azAZ09_.:/-"


@settings(max_examples=15, deadline=None)
@given(st.text(NAME_CHARS, min_size=1, max_size=12))
@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_read_as_it_was_written(plain: Vocabulary, name: str, called: str) -> None:
    tool = ToolSpec(called, TOOLS["wait"], strict=True)
    text = WRITTEN[name].replace("wait", called)
    found = matcher(plain, name, [SPECS[0], tool], True)
    assert plain.accepts(found, text)
    read = parsed(AnswerFormat(tool_format(name)).parser([SPECS[0], tool]), [text])
    assert read == ("", "", [LOOK, (called, "{}")])


@pytest.mark.parametrize("name", ["qwen3_coder", "minimax_m2", "glm45", "pythonic", "gemma4"])
@pytest.mark.parametrize("called", ["", "a b", "a>b", "x" * 257])
def test_a_name_that_would_not_be_read_is_refused(name: str, called: str) -> None:
    with pytest.raises(GrammarError, match="cannot write the name"):
        calls_grammar(tool_format(name), [ToolSpec(called)], True)


@pytest.mark.parametrize(
    ("name", "called"),
    [("kimi_k2", "a<|tool_call_argument_begin|>"), ("mistral", "a[CALL_ID]"), ("openai", "a b")],
)
def test_a_name_that_holds_a_marker_is_refused(name: str, called: str) -> None:
    with pytest.raises(GrammarError, match="cannot write the name"):
        calls_grammar(tool_format(name), [ToolSpec(called)], True)


def test_what_an_alternative_refers_to_comes_along(plain: Vocabulary) -> None:
    kinds = {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/dot"}]}
    tool = ToolSpec("look", {"properties": {"at": kinds}, "$defs": RICH["$defs"]}, strict=True)
    text = WRITTEN["qwen3_coder"].partition("\n<tool_call>\n<function=wait")[0]
    text = text.replace("<parameter=times>\n2\n</parameter>\n", "").replace("a\n<b>", '{"x": 1}')
    assert plain.accepts(matcher(plain, "qwen3_coder", [tool], True), text)
    assert not plain.accepts(
        matcher(plain, "qwen3_coder", [tool], True), text.replace('"x"', '"y"')
    )
