"""Text in which calls are held to their tools' schemas: what is no call stays free, what is one is right."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.answer_samples import LOOK, TOOLS, TWO_CALLS, WAIT
from support.answers import parsed
from support.format_vocabulary import Vocabulary, pieces, with_markers
from support.small_schema import is_valid

from penstock.frontend.formats import (
    AnswerFormat,
    GrammarError,
    ToolFormat,
    ToolSpec,
    mixed_grammar,
    tool_format,
)
from penstock.frontend.formats.shapes.json_call import JsonCall
from penstock.frontend.formats.tool_formats import KNOWN

llguidance = pytest.importorskip("llguidance")

MARKED = sorted(each.name for each in KNOWN if each.is_marked)
SPECS = [ToolSpec(name, parameters, strict=True) for name, parameters in TOOLS.items()]
TEXTS = (
    "",
    "Well.",
    "a < b, <b> and [c]\n",
    "<tool",
    "<|",
    "functools.partial",
    "é\U0001f600 \n\n",
)


@pytest.fixture(params=["markers are text", "markers are tokens"])
def vocabulary(request: pytest.FixtureRequest, name: str) -> Vocabulary:
    return with_markers(tool_format(name) if request.param == "markers are tokens" else None)


def matcher(
    vocabulary: Vocabulary, name: str, parallel: bool = True, in_text: tuple[str, ...] = ()
) -> "llguidance.LLMatcher":
    grammar = mixed_grammar(tool_format(name), SPECS, parallel, vocabulary.ids, in_text)
    return vocabulary.compiled(grammar)


def walk(found: "llguidance.LLMatcher", vocabulary: Vocabulary, name: str, seed: int = 0) -> str:
    texts = pieces(tool_format(name), TWO_CALLS[name])
    return vocabulary.walked(found, random.Random(f"{name} {seed}"), texts)


def read(name: str, text: str) -> tuple[str, str, list[tuple[str, str]]]:
    return parsed(AnswerFormat(tool_format(name)).parser(SPECS), [text])


def test_formats_whose_calls_look_like_text_are_left_free() -> None:
    assert {each.name for each in KNOWN} - {*MARKED} == {
        "llama3_json",
        "openai",
        "phi4_mini_json",
        "pythonic",
    }


@pytest.mark.parametrize("name", MARKED)
def test_text_is_free_before_and_behind_calls(name: str, vocabulary: Vocabulary) -> None:
    calls = TWO_CALLS[name].replace("[CALL_ID]a1b2c3d4e", "")
    for text in TEXTS:
        assert vocabulary.accepts(matcher(vocabulary, name), text)
        assert vocabulary.accepts(matcher(vocabulary, name), text + calls)
        assert vocabulary.accepts(matcher(vocabulary, name), calls + text)
    assert read(name, f"Well.{calls}")[2] == [LOOK, WAIT]


@pytest.mark.parametrize("name", MARKED)
@pytest.mark.parametrize("change", [("look", "jump"), ("2", '"2"'), ("times", "time")])
def test_calls_that_are_wrong_cannot_be_said(
    name: str, change: tuple[str, str], vocabulary: Vocabulary
) -> None:
    text = TWO_CALLS[name].replace("[CALL_ID]a1b2c3d4e", "").replace(*change)
    assert not vocabulary.accepts(matcher(vocabulary, name), f"Well.\n{text}")


@pytest.mark.parametrize("parallel", [True, False])
@pytest.mark.parametrize("name", MARKED)
def test_an_opener_is_one_however_it_is_spelled(
    name: str, parallel: bool, vocabulary: Vocabulary
) -> None:
    """Also letter by letter, where it is a token: its parser sees no difference."""
    declared = tool_format(name)
    for opener in (*declared.opens, *declared.enters):
        for spelled in (vocabulary.spelled(opener), vocabulary.tokenizer.tokenize_str(opener)):
            found = matcher(vocabulary, name, parallel)
            start = vocabulary.tokenizer.tokenize_str("So: ")
            assert found.try_consume_tokens([*start, *spelled]) == len(start) + len(spelled)
            assert not found.is_accepting()
            prose = vocabulary.tokenizer.tokenize_str(" is a marker.")
            assert found.try_consume_tokens(prose) < len(prose)


@pytest.mark.parametrize("name", MARKED)
def test_behind_the_only_call_comes_the_end(name: str, vocabulary: Vocabulary) -> None:
    text = walk(matcher(vocabulary, name, parallel=False), vocabulary, name)
    _, _, calls = read(name, text)
    assert len(calls) < 2
    opened = vocabulary.tokenizer.tokenize_str(tool_format(name).opens[0])
    found = matcher(vocabulary, name, parallel=False)
    assert found.try_consume_tokens(opened) == len(opened)
    ended = walk(found, vocabulary, name)
    assert len(read(name, tool_format(name).opens[0] + ended)[2]) == 1


@pytest.mark.parametrize("name", MARKED)
def test_every_call_that_is_read_is_right(name: str, vocabulary: Vocabulary) -> None:
    declared = tool_format(name)
    for seed, opener in enumerate((*declared.opens, *declared.enters) * 5):
        found = matcher(vocabulary, name)
        begun = f"So.\n{opener}"
        ids = vocabulary.tokenizer.tokenize_str(begun)
        assert found.try_consume_tokens(ids) == len(ids)
        text = begun + walk(found, vocabulary, name, seed)
        calls = read(name, text)[2]
        assert calls, text
        for called, arguments in calls:
            assert is_valid(json.loads(arguments), TOOLS[called]), (text, arguments)


@pytest.mark.parametrize("name", ["hermes", "qwen3_coder", "mistral"])
@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40))
def test_any_text_without_an_opener_may_be_said(name: str, text: str) -> None:
    vocabulary, declared = with_markers(tool_format(name)), tool_format(name)
    if not any(each in text for each in (*declared.opens, *declared.enters, *vocabulary.ids)):
        assert vocabulary.accepts(matcher(vocabulary, name), text)


def test_tokens_stand_in_text_unless_an_opener_could_be_made_with_them() -> None:
    vocabulary = Vocabulary(("<call>", "</call>", "<think>", "ll>", ">", "x<ca"))
    declared = ToolFormat(name="a", opens=("<call>",), closes=("</call>",), shapes=(JsonCall(),))
    in_text = ("</call>", "<think>", "ll>", ">", "x<ca", "<call>")
    grammar = mixed_grammar(declared, SPECS, True, vocabulary.ids, in_text)
    for text, is_free in zip(in_text, (True, True, False, False, False, False), strict=True):
        found = vocabulary.compiled(grammar)
        ids = [*vocabulary.tokenizer.tokenize_str("so "), vocabulary.ids[text]]
        assert (found.try_consume_tokens(ids) == len(ids) and found.is_accepting()) is is_free


def test_a_format_that_does_not_enter_as_it_says_is_refused() -> None:
    odd = ToolFormat(name="a", opens=("<call>",), enters=("<f>",), shapes=(JsonCall(),))
    with pytest.raises(GrammarError, match="does not begin"):
        mixed_grammar(odd, SPECS, True, {})
