"""Why an answer ended, as its calls tell."""

import pytest

from penstock.frontend.api.chat_reader import Reading
from penstock.frontend.api.chat_tools import read_tools
from penstock.frontend.engine.mailbox import Update
from penstock.frontend.formats import AnswerFormat, tool_format
from penstock.frontend.generation import Piece

TOOLS = [{"type": "function", "function": {"name": "look"}}]
GOOD = '<tool_call>{"name": "look", "arguments": {"at": "x"}}</tool_call>'
BROKEN = '<tool_call>{"name": "look", "arguments": {"at": L}}</tool_call>'
CUT = '<tool_call>{"name": "look", "arguments": {"at": "x'


def finish(text: str, reason: str = "stop", parallel: bool | None = None) -> str | None:
    reading = Reading(
        format=AnswerFormat(tool_format("hermes")),
        tools=read_tools(TOOLS, None, parallel),
        begins_in_reasoning=False,
        shows_reasoning=True,
    )
    reader = reading.reader()
    piece = Piece(0, text, 1, Update([1], None), reason)
    reader.read(piece)
    return reader.finish_reason(piece)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello.", "stop"),
        (GOOD, "tool_calls"),
        (f"Let me look.{GOOD}{GOOD}", "tool_calls"),
        (GOOD.removesuffix("}</tool_call>"), "tool_calls"),
        ('<tool_call>{"name": "look"}</tool_call>', "tool_calls"),
        (BROKEN, "stop"),
        (CUT, "stop"),
        (GOOD + CUT, "stop"),
        (BROKEN + GOOD, "stop"),
        (f"{GOOD}<tool_call>", "tool_calls"),
    ],
)
def test_calls_are_why_only_if_none_is_broken_off(text: str, expected: str) -> None:
    assert finish(text) == expected


def test_a_call_that_is_not_shown_does_not_matter() -> None:
    assert finish(GOOD + CUT, parallel=False) == "tool_calls"
    assert finish(BROKEN + GOOD, parallel=False) == "stop"


def test_other_reasons_stay() -> None:
    assert finish(GOOD, "length") == "length"
