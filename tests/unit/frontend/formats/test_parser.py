"""What every format has in common: markers, whitespace, what is a call and what is text."""

import pytest
from support.answers import Said, halves, parsed

from penstock.frontend.formats import AnswerFormat, ToolSpec, reasoning_format, tool_format

FORMAT = AnswerFormat(tool_format("hermes"), reasoning_format("qwen3"))
TOOLS = [ToolSpec("look", {"type": "object"})]
CALL = '<tool_call>\n{"name": "look", "arguments": {"at": "x"}}\n</tool_call>'
LOOK = ("look", '{"at": "x"}')


def split_in_every_way(text: str, begins_in_reasoning: bool = False) -> Said:
    """The same for every way, or this fails."""
    whole = parsed(FORMAT.parser(TOOLS, begins_in_reasoning), [text])
    for pieces in halves(text):
        assert parsed(FORMAT.parser(TOOLS, begins_in_reasoning), pieces) == whole
    return whole


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("", "", [])),
        ("Hello.\n", ("", "Hello.\n", [])),
        (" \n ", ("", " \n ", [])),
        (f"Sure.\n\n{CALL}", ("", "Sure.", [LOOK])),
        (f"\n{CALL}\n", ("", "", [LOOK])),
        (f"{CALL}\n{CALL}", ("", "", [LOOK, LOOK])),
        (f"{CALL}\n\n  There. ", ("", "  There. ", [LOOK])),
        ("<think>\nHm.\n\n</think>\n\nYes.\n", ("Hm.", "Yes.\n", [])),
        ("<think>\n\n</think>\n\nYes.", ("", "Yes.", [])),
        (f"\n<think>Hm.</think>{CALL}", ("Hm.", "", [LOOK])),
        ("<think>Hm, <tool", ("Hm, <tool", "", [])),
        (f"<think>{CALL}</think>No.", (CALL, "No.", [])),
        ("<think>Hm.</think>\n    indented", ("Hm.", "    indented", [])),
        ("Tags like <think> and </think> are text.", ("", "Tags like <think> and </think> are text.", [])),
    ],
)  # fmt: skip
def test_text_reasoning_and_calls_come_apart(text: str, expected: Said) -> None:
    assert split_in_every_way(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "<tool_call>",
        "<tool_call>\n</tool_call>",
        "Use <tool_call> to call.",
        '<tool_call>{"name": "look", "arguments": [1]}</tool_call>',
        '<tool_call>{"name": "look", "arguments": ',
        '<tool_call>{"name": "look now", "arguments": {}}</tool_call>',
        '<tool_call>{"arguments": {"at": "x"}}</tool_call>',
        '<tool_call>{"nam',
        "<tool_call>{'name': 'look'}</tool_call>",
        "Sure.\n\n<tool_call>\nlook(x)\n</tool_call>\n",
        "</tool_call> alone",
    ],
)
def test_what_is_no_call_is_text_to_the_letter(text: str) -> None:
    assert split_in_every_way(text) == ("", text, [])


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ('{"arguments": {"at": "x"}, "name": "look"}', '{"at": "x"}'),
        ('{"name": "look"}', "{}"),
        ('{"name": "look", "arguments": null}', "{}"),
        ('{"name": "look", "arguments": "{\\"at\\": \\"x\\"}"}', '{"at": "x"}'),
        ('{"id": [1, {"a": 2}], "name": "lo\\u006fk", "arguments": {"at": "x"}}', '{"at": "x"}'),
        ('{"name": "look", "arguments": {"at":\n[1.5e3 , {} ,"\\ud83d\\ude00"]} }',
         '{"at":\n[1.5e3 , {} ,"\\ud83d\\ude00"]}'),
        ('{"name": "look", "arguments": {"at": "a\nb"}}', '{"at": "a\\nb"}'),
    ],
)  # fmt: skip
def test_a_call_is_read_however_its_json_is_written(text: str, arguments: str) -> None:
    whole = split_in_every_way(f"<tool_call>{text}</tool_call>")
    assert whole == ("", "", [("look", arguments)])


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ('{"name": "look", "arguments": {"at": "x', '{"at": "x'),
        ('{"name": "look", "arguments": {"at": tru', '{"at": tru'),
        ('{"name": "look", "arguments": {"at": tru}}</tool_call>', '{"at": tru}}'),
        ('{"name": "look", "arguments": {"at": "\\x"}}</tool_call>', '{"at": "\\x"}}'),
    ],
)
def test_a_call_that_was_announced_stays_one(text: str, arguments: str) -> None:
    assert split_in_every_way(f"<tool_call>{text}") == ("", "", [("look", arguments)])


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ('{"name": "look", "arguments": {}', ""),
        ('{"name": "look", "arguments": {}</tool_call>', ""),
        ('{"name": "look", "arguments": {}}}</tool_call>', "}"),
        ('{"name": "look", "arguments": {}} and so on</tool_call> Bye', "and so on Bye"),
    ],
)
def test_complete_arguments_make_a_call_whatever_follows(text: str, content: str) -> None:
    assert split_in_every_way(f"<tool_call>{text}") == ("", content, [("look", "{}")])


def test_a_prompt_may_end_in_reasoning() -> None:
    assert split_in_every_way("Hm.\n</think>\n\nYes.", True) == ("Hm.", "Yes.", [])
    assert split_in_every_way("\n<think>\nHm.", True) == ("Hm.", "", [])


def test_an_unknown_function_is_called_all_the_same() -> None:
    """As with OpenAI's own models: it is the client's to refuse."""
    call = '<tool_call>{"name": "jump", "arguments": {}}</tool_call>'
    assert split_in_every_way(call) == ("", "", [("jump", "{}")])


def test_arguments_are_streamed_and_little_is_held_back() -> None:
    parser = FORMAT.parser(TOOLS)
    held = 0
    for piece in f"<tool_call>{{'name'}} Sure. {CALL}":
        held = held + len(piece)
        for _event in parser.push(piece):
            held = 0
        assert held <= len('<tool_call>\n{"name": "look", "arguments": {')


def test_what_is_not_to_be_parsed_is_content() -> None:
    text = f"<think>Hm.</think>{CALL}"
    parser = FORMAT.parser(TOOLS, False, parses_tools=False, parses_reasoning=False)
    assert parsed(parser, [text]) == ("", text, [])
    assert parsed(AnswerFormat().parser(TOOLS), [text]) == ("", text, [])
