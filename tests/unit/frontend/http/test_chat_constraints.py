"""What a chat holds the engine to: constraints beside tools, and where thinking ends."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.called_tools import CALL, OTHER, TEMPLATE, TOOL
from support.front import Front
from support.grammars import matcher_of

from penstock.frontend import params
from penstock.frontend.api import answer_rules
from penstock.frontend.api.answer_rules import AnswerRules
from penstock.frontend.api.chat_request import ChatRequest
from penstock.frontend.api.chat_tools import read_tools
from penstock.frontend.encoding import Prompt
from penstock.frontend.errors import ApiError
from penstock.frontend.formats import AnswerFormat, reasoning_format, tool_format
from penstock.protocol.constraint import Thinking
from penstock.workers.grammar.vocabulary import load_vocabulary

FORCED = {"tools": [TOOL], "tool_choice": "required"}


@pytest.fixture(scope="module")
def front(byte_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    template = tmp_path_factory.mktemp("template") / "tools.jinja"
    template.write_text(TEMPLATE)
    with Front(byte_model, chat_template=str(template)) as front:
        yield front


def test_a_budget_of_thoughts_reaches_the_engine(front: Front) -> None:
    front.says("Hello!")
    front.chat(thinking_token_budget=7, chat_template_kwargs={"enable_thinking": True})
    thinking = front.last.params.thinking
    assert thinking is not None
    assert (thinking.budget, thinking.begins_inside) == (7, True)
    assert front.tokenizer.decode(list(thinking.ends[0]), False) == "</think>"


def test_an_answer_is_calls_or_what_its_format_says(front: Front) -> None:
    schema = {"type": "object", "properties": {"degrees": {"type": "integer"}}}
    asked = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    front.says('{"degrees": 7}')
    answer = front.chat(tools=[TOOL], response_format=asked)
    assert answer.choice["message"]["content"] == '{"degrees": 7}'
    constraint = front.last.params.constraint
    assert constraint is not None
    assert "weather" in constraint.text
    assert "degrees" in constraint.text
    assert front.chat(tools=[TOOL], guided_regex="a+").error["param"] == "tool_choice"
    front.chat(tools=[TOOL], tool_choice="none", guided_regex="a+")
    constraint = front.last.params.constraint
    assert constraint is not None
    assert (constraint.kind, constraint.text) == ("regex", "a+")


OPENED_BY_THE_MODEL = "Hi{% if not enable_thinking %}<think></think>{% endif %}"
FAILING = "</think>{{ raise_exception('no') if thinking }}<think>"
THINKS = {"chat_template_kwargs": {"enable_thinking": True}}


def test_an_answer_has_no_thoughts_where_the_template_would_have_opened_them(front: Front) -> None:
    front.says("aa")
    front.chat(guided_regex="a+", thinking_token_budget=3)
    assert front.last.params.thinking is None
    front.chat(thinking_token_budget=3)
    assert front.last.params.thinking is not None
    front.chat(guided_regex="a+", **THINKS)
    thinking = front.last.params.thinking
    assert thinking is not None
    assert thinking.begins_inside


@pytest.mark.parametrize("template", [OPENED_BY_THE_MODEL, FAILING])
def test_an_answer_may_have_thoughts_that_the_model_opens(byte_model: Path, template: str) -> None:
    with Front(byte_model, chat_template=template) as front:
        front.says("aa")
        front.chat(guided_regex="a+", **THINKS)
        assert front.last.params.thinking is not None


def test_a_request_with_a_template_of_its_own_may_have_thoughts(byte_model: Path) -> None:
    with Front(byte_model, chat_template=TEMPLATE, trust_request_chat_template=True) as front:
        front.says("aa")
        front.chat(guided_regex="a+", chat_template=OPENED_BY_THE_MODEL)
        thinking = front.last.params.thinking
        assert thinking is not None
        assert not thinking.begins_inside


@pytest.mark.parametrize("number", ["1e999", "9" * 5000, "-1e400"])
def test_numbers_that_no_schema_can_hold_are_refused_beside_tools(
    front: Front, number: str
) -> None:
    body = {"messages": [{"role": "user", "content": "Hi"}], "tools": [TOOL]}
    text = json.dumps({**body, "structured_outputs": {"json": {"maximum": 77077}}})
    answer = front.post("/v1/chat/completions", text.replace("77077", number).encode())
    assert (answer.status, answer.error["param"]) == (400, "structured_outputs")
    assert "out of range" in answer.error["message"]


def test_a_response_format_says_nothing_of_calls_that_are_forced(front: Front) -> None:
    front.says(CALL)
    assert front.chat(**FORCED, response_format={"type": "json_object"}).status == 200


def test_options_of_the_schema_hold_beside_tools_too(front: Front) -> None:
    front.says("{}")
    front.chat(tools=[TOOL], structured_outputs={"json": {}, "disable_additional_properties": True})
    constraint = front.last.params.constraint
    assert constraint is not None
    assert (constraint.kind, constraint.disable_additional_properties) == ("grammar", True)


def test_a_constraint_is_read_once(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    read = list[object]()
    for module in (answer_rules, params):
        monkeypatch.setattr(module, "constraint_of", read.append)
    front.says("Hello!")
    front.chat()
    assert len(read) == 1


STRICT = {**TOOL, "function": {**TOOL["function"], "strict": True}}
TEXT_STOPS = {"stop": ["x"], "stop_token_ids": [3]}


def test_a_strict_tool_holds_calls_to_schemas_and_leaves_text_free(front: Front) -> None:
    front.says(f"Let me see. {CALL}")
    answer = front.chat(tools=[STRICT, OTHER], **TEXT_STOPS)
    assert answer.choice["finish_reason"] == "tool_calls"
    params = front.last.params
    assert params.constraint is not None
    assert (params.constraint.kind, params.stop_token_ids) == ("grammar", (3,))
    file = Path(front.settings.model) / "tokenizer.json"
    matcher = matcher_of(params.constraint, load_vocabulary(file, front.tokenizer.vocab_size))
    for text, is_right in ((CALL, True), (CALL.replace("city", "town"), False), ("No. <b>", True)):
        ids = front.tokenizer.encode(text, add_special_tokens=False)
        assert all(map(matcher.take, ids)) is is_right
        matcher.restart()


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": [TOOL, OTHER]},
        {"tools": [STRICT], "tool_choice": "none"},
        {
            "tools": [STRICT, TOOL | {"function": {"name": "other"}}],
            "tool_choice": {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "auto", "tools": [{"name": "other"}]},
            },
        },
    ],
)
def test_without_a_strict_tool_to_call_nothing_is_held(
    front: Front, fields: dict[str, Any]
) -> None:
    front.says("No.")
    assert front.chat(**fields).status == 200
    assert front.last.params.constraint is None


def test_stop_strings_cut_free_text_beside_strict_tools_and_no_json(front: Front) -> None:
    front.says("No, x is out.")
    assert front.chat(tools=[STRICT], **TEXT_STOPS).choice["message"]["content"] == "No, "
    asked = {"type": "json_object"}
    front.says('{"x": 1}')
    answer = front.chat(tools=[STRICT], response_format=asked, **TEXT_STOPS)
    assert answer.choice["message"]["content"] == '{"x": 1}'
    assert front.last.params.stop_token_ids == ()


@pytest.mark.parametrize(
    ("name", "holds"), [("hermes", True), ("llama3_json", False), ("openai", False)]
)
def test_formats_without_marks_are_left_free(front: Front, name: str, holds: bool) -> None:
    rules = AnswerRules(AnswerFormat(tool_format(name)), front.tokenizer)
    tools = read_tools([STRICT], "auto", None)
    body = ChatRequest(messages=[])
    wanted = rules.wanted(body, rules.reading(body, tools, Prompt([], "")))
    assert (wanted.constraint is not None, wanted.leaves_text) == (holds, holds)


def test_what_a_strict_tool_asks_for_and_its_format_cannot_write_is_refused(front: Front) -> None:
    rules = AnswerRules(AnswerFormat(tool_format("qwen3_coder")), front.tokenizer)
    function = {"name": "f", "parameters": {"anyOf": [{"type": "object"}]}, "strict": True}
    tools = read_tools([{"type": "function", "function": function}], None, None)
    body = ChatRequest(messages=[])
    with pytest.raises(ApiError, match="use anyOf") as refused:
        rules.wanted(body, rules.reading(body, tools, Prompt([], "")))
    assert (refused.value.status, refused.value.param) == (400, "tools")


def _thinking(front: Front, name: str, **fields: Any) -> Thinking:
    formats = AnswerFormat(tool_format("kimi_k2"), reasoning_format(name))
    rules = AnswerRules(formats, front.tokenizer)
    body = ChatRequest(messages=[], thinking_token_budget=9)
    tools = read_tools(fields.get("tools"), fields.get("tool_choice"), None)
    reading = rules.reading(body, tools, Prompt([], ""))
    thinking = rules.wanted(body, reading).thinking
    assert thinking is not None
    return thinking


def test_all_that_ends_thinking_reaches_the_engine(front: Front) -> None:
    def texts(found: tuple[tuple[int, ...], ...]) -> tuple[str, ...]:
        return tuple(front.tokenizer.decode(list(ids), False) for ids in found)

    granite = _thinking(front, "granite")
    assert texts(granite.ends) == ("Here is my response:", "Here's my response:")
    assert texts((granite.start_ids, *granite.other_starts)) == (
        "Here is my thought process:",
        "Here's my thought process:",
    )
    kimi = _thinking(front, "kimi_k2", tools=[TOOL])
    assert texts(kimi.ends) == ("</think>",)
    assert texts(kimi.answer_starts)[0] == "<|tool_calls_section_begin|>"
    assert _thinking(front, "kimi_k2").answer_starts == ()
    assert _thinking(front, "qwen3", tools=[TOOL]).answer_starts == ()


def test_what_stands_before_an_answer_reaches_the_engine(front: Front) -> None:
    """Before calls that are forced, content is not even begun."""

    def prefaces(name: str, **fields: Any) -> set[str]:
        found = _thinking(front, name, **fields).prefaces
        return {front.tokenizer.decode(list(ids), False) for ids in found}

    turn, final = "<|start|>assistant", "<|channel|>final<|message|>"
    assert {turn, final} <= prefaces("openai_gptoss")
    assert {turn, final} <= prefaces("openai_gptoss", tools=[TOOL])
    assert prefaces("openai_gptoss", tools=[TOOL], tool_choice="required") == {turn}
    assert prefaces("granite_thinking_parser") == {"<response>"}
    assert prefaces("qwen3") == set()


@pytest.mark.parametrize(
    ("fields", "param", "words"),
    [
        ({"thinking_token_budget": -2}, "thinking_token_budget", "non-negative"),
        ({"thinking_token_budget": 10**30}, "thinking_token_budget", "at most 2147483647"),
        ({**FORCED, "guided_regex": "a"}, "tool_choice", "forces"),
        ({**FORCED, "structured_outputs": {"json": {}}}, "tool_choice", "forces"),
        (
            {**FORCED, "guided_json": {}, "response_format": {"type": "text"}},
            "tool_choice",
            "forces",
        ),
        (
            {"tools": [TOOL], "structured_outputs": {"json": {}, "disable_any_whitespace": True}},
            "structured_outputs",
            "disable_any_whitespace",
        ),
        (
            {"tools": [TOOL], "guided_json": {}, "guided_whitespace_pattern": " ?"},
            "guided_json",
            "whitespace_pattern",
        ),
    ],
)
def test_what_cannot_be_is_refused(
    front: Front, fields: dict[str, Any], param: str, words: str
) -> None:
    answer = front.chat(**fields)
    assert answer.status == 400
    assert answer.error["param"] == param
    assert words in answer.error["message"]
