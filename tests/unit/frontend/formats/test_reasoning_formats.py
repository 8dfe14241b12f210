"""Reasoning as models of every format mark it."""

import pytest
from support.answers import Said, halves, parsed

from penstock.frontend.formats import (
    AnswerFormat,
    begins_in_reasoning,
    reasoning_format,
    tool_format,
)

SAMPLES = {
    "seed_oss": "<seed:think>Hm.</seed:think>Yes.",
    "mistral": "[THINK]Hm.[/THINK]Yes.",
    "gemma4": "<|channel>thought\nHm.\n<channel|>Yes.",
    "command_r7b": "<|START_THINKING|>Hm.<|END_THINKING|><|START_RESPONSE|>Yes.<|END_RESPONSE|>",
    "openai_gptoss": "<|channel|>analysis<|message|>Hm.<|end|>"
    "<|start|>assistant<|channel|>final<|message|>Yes.",
    "granite": "Here is my thought process: Hm.\n\nHere is my response:\nYes.",
    "granite_thinking_parser": "<think>Hm.</think>\n<response>Yes.</response>\n",
    "kimi_k2": "<think>Hm.</think>Yes.",
    "deepseek_r1": "<think>\nHm.\n</think>\n\nYes.",
    "qwen3": "<think>\nHm.\n</think>\n\nYes.",
}  # fmt: skip


def read(answers: AnswerFormat, text: str, begins: bool = False) -> Said:
    whole = parsed(answers.parser((), begins), [text])
    for pieces in halves(text):
        assert parsed(answers.parser((), begins), pieces) == whole
    return whole


@pytest.mark.parametrize("name", SAMPLES)
def test_reasoning_and_answer(name: str) -> None:
    answers = AnswerFormat(None, reasoning_format(name))
    assert read(answers, SAMPLES[name]) == ("Hm.", "Yes.", [])


@pytest.mark.parametrize("name", SAMPLES)
def test_an_answer_without_reasoning(name: str) -> None:
    assert read(AnswerFormat(None, reasoning_format(name)), "Yes.\n") == ("", "Yes.\n", [])


@pytest.mark.parametrize("name", SAMPLES)
def test_a_prompt_that_opened_reasoning(name: str) -> None:
    declared = reasoning_format(name)
    opener = next(each for each in declared.opens if SAMPLES[name].startswith(each))
    prompt = f"What does {opener} mean?\n{opener}\n"
    assert begins_in_reasoning(declared, prompt)
    rest = SAMPLES[name].removeprefix(opener)
    assert read(AnswerFormat(None, declared), rest, begins=True) == ("Hm.", "Yes.", [])


@pytest.mark.parametrize(
    ("prompt", "continued", "expected"),
    [
        ("What does <think> mean?<|im_end|><|im_start|>assistant\n", "", False),
        ("<|im_start|>assistant\n<think>\n\n</think>\n\n", "", False),
        ("<|im_start|>assistant\n<think>\nHm", "<think>\nHm", True),
        ("<|im_start|>assistant\n<think>Hm</think> Yes", "<think>Hm</think> Yes", False),
    ],
)
def test_what_the_prompt_ends_in(prompt: str, continued: str, expected: bool) -> None:
    assert begins_in_reasoning(reasoning_format("qwen3"), prompt, continued) is expected
    assert not begins_in_reasoning(None, prompt, continued)


def test_deepseek_r1_reasons_unless_the_prompt_says_that_it_did() -> None:
    declared = reasoning_format("deepseek_r1")
    assert begins_in_reasoning(declared, "<｜Assistant｜>")
    assert not begins_in_reasoning(declared, "<｜Assistant｜><think></think>")


def test_a_call_ends_reasoning_only_where_the_format_says_so() -> None:
    call = '<tool_call>{"name": "look"}</tool_call>'
    text = f"<think>Hm. {call} Yes."
    kept = AnswerFormat(tool_format("hermes"), reasoning_format("qwen3"))
    assert read(kept, text) == (f"Hm. {call} Yes.", "", [])
    ended = AnswerFormat(tool_format("hermes"), reasoning_format("kimi_k2"))
    assert read(ended, text) == ("Hm.", "Yes.", [("look", "{}")])


def test_the_parser_says_where_it_is() -> None:
    parser = AnswerFormat(None, reasoning_format("qwen3")).parser((), True)
    assert parser.in_reasoning
    parser.push("Hm.</thin")
    assert parser.in_reasoning
    parser.push("k>")
    assert not parser.in_reasoning


def test_harmony_calls() -> None:
    answers = AnswerFormat(tool_format("openai"), reasoning_format("openai_gptoss"))
    text = (
        "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>commentary<|message|>"
        "I look.<|end|><|start|>assistant<|channel|>commentary to=functions.look "
        '<|constrain|>json<|message|>{"at": "x"}<|call|>'
    )
    assert read(answers, text) == ("Hm.", "I look.", [("look", '{"at": "x"}')])
