"""Every format's calls are read as its models write them."""

import pytest
from support.answer_samples import LOOK, TOOLS, TWO_CALLS, WAIT
from support.answers import Said, halves, parsed

from penstock.frontend.formats import AnswerFormat, ToolSpec, reasoning_format, tool_format
from penstock.frontend.formats.tool_formats import KNOWN

SPECS = [ToolSpec(name, parameters) for name, parameters in TOOLS.items()]
THINK = reasoning_format("qwen3")


def read(name: str, text: str, tools: list[ToolSpec] = SPECS) -> Said:
    """The same for every way of cutting, or this fails."""
    answers = AnswerFormat(tool_format(name), THINK)
    whole = parsed(answers.parser(tools), [text])
    for pieces in halves(text):
        assert parsed(answers.parser(tools), pieces) == whole
    return whole


def test_every_format_has_a_sample() -> None:
    assert {each.name for each in KNOWN} == set(TWO_CALLS)


@pytest.mark.parametrize("name", sorted(TWO_CALLS))
def test_two_calls(name: str) -> None:
    assert read(name, TWO_CALLS[name]) == ("", "", [LOOK, WAIT])
    assert read(name, f"<think>Hm.</think>\n\n{TWO_CALLS[name]}\n") == ("Hm.", "", [LOOK, WAIT])


@pytest.mark.parametrize("name", sorted(TWO_CALLS))
def test_text_before_calls(name: str) -> None:
    text = f"I look.\n\n{TWO_CALLS[name]}\n"
    if tool_format(name).bare:
        assert read(name, text) == ("", text, [])
    else:
        assert read(name, text) == ("", "I look.", [LOOK, WAIT])


@pytest.mark.parametrize("name", sorted(TWO_CALLS))
def test_calls_that_are_cut_short(name: str) -> None:
    """Wherever it ends: complete calls are whole, a call once announced stays, the rest is text."""
    answers = AnswerFormat(tool_format(name))
    text = TWO_CALLS[name]
    for end in range(len(text)):
        reasoning, content, calls = parsed(answers.parser(SPECS), [text[:end]])
        assert not reasoning
        assert [call for call, _ in calls] == ["look", "wait"][: len(calls)]
        assert calls or content == text[:end]
        for (_, arguments), (_, whole) in zip(calls, (LOOK, WAIT), strict=False):
            assert whole.startswith(arguments)
        assert len(calls) < 2 or calls[0] == LOOK
