"""Tool calls and reasoning over HTTP: shapes, streams, and what the engine is held to."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.called_tools import CALL, OTHER, TEMPLATE, TIME, TOOL
from support.front import Answer, Front

USAGE = {"include_usage": True}


@pytest.fixture(scope="module")
def front(byte_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    template = tmp_path_factory.mktemp("template") / "tools.jinja"
    template.write_text(TEMPLATE)
    with Front(byte_model, chat_template=str(template)) as front:
        yield front


def message_of(answer: Answer) -> dict[str, Any]:
    assert answer.status == 200, answer.data
    return dict(answer.choice["message"])


def joined(answer: Answer) -> dict[str, Any]:
    """A stream's deltas as one message, as SDKs put them together."""
    message: dict[str, Any] = {"calls": []}
    for chunk in answer.events:
        for choice in chunk["choices"]:
            delta = choice["delta"]
            for key in ("content", "reasoning", "reasoning_content"):
                message[key] = message.get(key, "") + (delta.get(key) or "")
            for call in delta.get("tool_calls", ()):
                if "id" in call:
                    assert call["index"] == len(message["calls"])
                    message["calls"].append([call["id"], call["function"]["name"], ""])
                message["calls"][call["index"]][2] += call["function"]["arguments"]
            message["finish_reason"] = choice["finish_reason"]
    return message


def test_a_call_is_not_text(front: Front) -> None:
    front.says(f"Let me look.\n{CALL}")
    answer = front.chat(tools=[TOOL])
    message = message_of(answer)
    assert answer.choice["finish_reason"] == "tool_calls"
    assert message["content"] == "Let me look."
    (call,) = message["tool_calls"]
    assert call["type"] == "function"
    assert call["function"]["name"] == "weather"
    assert json.loads(call["function"]["arguments"]) == {"city": "Łódź"}
    assert call["id"].startswith("call_")


def test_a_message_of_calls_alone_has_no_content(front: Front) -> None:
    front.says(CALL)
    assert message_of(front.chat(tools=[TOOL]))["content"] is None


@pytest.mark.parametrize("interval", [1, 3, 1000])
def test_a_stream_brings_the_same_in_pieces(front: Front, interval: int) -> None:
    front.says(f"Both!\n{CALL}\n{TIME}")
    said = joined(front.chat(tools=[TOOL, OTHER], stream=True, stream_interval=interval))
    assert said["finish_reason"] == "tool_calls"
    assert said["content"] == "Both!"
    assert [(name, json.loads(text)) for _, name, text in said["calls"]] == [
        ("weather", {"city": "Łódź"}),
        ("clock", {}),
    ]
    assert len({call_id for call_id, _, _ in said["calls"]}) == 2


@pytest.mark.parametrize("stream", [False, True])
def test_answers_are_counted_by_whether_they_call(front: Front, stream: bool) -> None:
    def counted(text: str, **fields: Any) -> dict[tuple[str, ...], float]:
        before = dict(front.registry.snapshot().counters)
        front.says(text)
        assert front.chat(**fields, stream=stream).status == 200
        return {
            tuple(key.split("\t")[1:]): number - before.get(key, 0)
            for key, number in front.registry.snapshot().counters.items()
            if key.startswith("vllm:tool_call_parser") and number != before.get(key, 0)
        }

    mode = "streaming" if stream else "non_streaming"
    assert counted(CALL, tools=[TOOL]) == {(mode, "tool_call", "chat_completions"): 1}
    assert counted("No.", tools=[TOOL], n=2, seed=1) == {
        (mode, "no_tool_call", "chat_completions"): 2
    }
    assert counted(CALL) == counted(CALL, tools=[TOOL], tool_choice="none") == {}


def test_only_one_call_where_no_more_are_wanted(front: Front) -> None:
    front.says(f"{CALL}\n{TIME}")
    asked = {"tools": [TOOL, OTHER], "parallel_tool_calls": False}
    assert len(message_of(front.chat(**asked))["tool_calls"]) == 1
    assert len(joined(front.chat(**asked, stream=True))["calls"]) == 1


def test_a_malformed_call_is_text(front: Front) -> None:
    said = '<tool_call>\n{"name": 7}\n</tool_call>'
    front.says(said)
    answer = front.chat(tools=[TOOL])
    assert message_of(answer)["content"] == said
    assert "tool_calls" not in message_of(answer)
    assert answer.choice["finish_reason"] == "stop"


def test_calls_are_text_where_none_may_be_made(front: Front) -> None:
    front.says(CALL)
    assert message_of(front.chat())["content"] == CALL
    assert message_of(front.chat(tools=[TOOL], tool_choice="none"))["content"] == CALL


def test_an_answer_cut_within_a_call_says_length(front: Front) -> None:
    front.says(CALL)
    answer = front.chat(tools=[TOOL], max_tokens=45)
    assert answer.choice["finish_reason"] == "length"


@pytest.mark.parametrize(
    "choice", ["required", {"type": "function", "function": {"name": "weather"}}]
)
def test_a_forced_call_is_a_grammar(front: Front, choice: Any) -> None:
    front.says(CALL)
    answer = front.chat(tools=[TOOL, OTHER], tool_choice=choice)
    assert answer.choice["finish_reason"] == "tool_calls"
    constraint = front.last.params.constraint
    assert constraint is not None
    assert "weather" in constraint.text
    assert ("clock" in constraint.text) == (choice == "required")


def test_allowed_tools_narrow_the_choice(front: Front) -> None:
    front.says(TIME)
    allowed = {"mode": "required", "tools": [{"type": "function", "function": {"name": "clock"}}]}
    front.chat(tools=[TOOL, OTHER], tool_choice={"type": "allowed_tools", "allowed_tools": allowed})
    constraint = front.last.params.constraint
    assert constraint is not None
    assert "clock" in constraint.text
    assert "weather" not in constraint.text


def test_thoughts_are_told_apart_under_both_names(front: Front) -> None:
    front.says("Hmm, hello?\n</think>\n\nHello!")
    asked = {"chat_template_kwargs": {"enable_thinking": True}}
    answer = front.chat(**asked)
    message = message_of(answer)
    assert message["reasoning"] == message["reasoning_content"] == "Hmm, hello?"
    assert message["content"] == "Hello!"
    thought = answer.json["usage"]["completion_tokens_details"]["reasoning_tokens"]
    assert 0 < thought < answer.json["usage"]["completion_tokens"]
    said = joined(front.chat(**asked, stream=True))
    assert said["reasoning"] == said["reasoning_content"] == "Hmm, hello?"
    assert said["content"] == "Hello!"


def test_thoughts_are_left_out_on_request(front: Front) -> None:
    front.says("<think>\nHm.\n</think>\n\nHello!")
    message = message_of(front.chat(include_reasoning=False))
    assert message["content"] == "Hello!"
    assert "reasoning" not in message


def test_no_effort_is_no_thinking(front: Front) -> None:
    front.says("Hello!")
    message = message_of(front.chat(reasoning_effort="none"))
    assert message["content"] == "Hello!"


@pytest.mark.parametrize(
    ("fields", "param", "words"),
    [
        ({"tools": [{}]}, "tools", "tools[0]: expected"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools", "function.name"),
        ({"tools": [TOOL], "tool_choice": "maybe"}, "tool_choice", "must be"),
        (
            {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "x"}}},
            "tool_choice",
            "does not match any",
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


def test_the_prompt_is_shown_on_request(front: Front) -> None:
    front.says("Hello!")
    shown = front.chat(return_prompt_text=True).json["prompt_text"]
    assert shown.endswith("<|im_start|>assistant\n")
    first, *others = front.chat(return_prompt_text=True, stream=True).events
    assert first["prompt_text"] == shown
    assert not any("prompt_text" in chunk for chunk in others)


def test_beams_are_not_constrained(front: Front) -> None:
    answer = front.chat(tools=[TOOL], tool_choice="required", use_beam_search=True, n=2)
    assert (answer.status, answer.error["param"]) == (400, "use_beam_search")


def test_tools_that_are_not_allowed_are_not_called(front: Front) -> None:
    front.says(f"{TIME}{CALL}")
    allowed = {"mode": "auto", "tools": [{"type": "function", "function": {"name": "weather"}}]}
    choice = {"type": "allowed_tools", "allowed_tools": allowed}
    message = message_of(front.chat(tools=[TOOL, OTHER], tool_choice=choice))
    assert message["content"] == TIME
    assert [call["function"]["name"] for call in message["tool_calls"]] == ["weather"]


def test_half_a_surrogate_pair_makes_no_call(front: Front) -> None:
    said = '<tool_call>\n{"name": "a\\ud800b", "arguments": {}}\n</tool_call>'
    front.says(said)
    assert message_of(front.chat(tools=[TOOL]))["content"] == said
    assert joined(front.chat(tools=[TOOL], stream=True))["content"] == said


def test_arguments_nested_too_deeply_are_refused(front: Front) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "a", "arguments": "[" * 100_000}}
    answer = front.chat(messages=[{"role": "assistant", "tool_calls": [call]}])
    assert (answer.status, answer.error["param"]) == (400, "messages")
    assert "nested too deeply" in answer.error["message"]


@pytest.mark.parametrize(
    ("said", "fields", "begins_inside"),
    [
        ("Hm, hello?\n</think>\n\nHello! I </think> it.", {}, True),
        ("<think>\nHm.\n</think>\n\nHello!", {"stop": ["lo!"]}, False),
        ("Hm, <think", {"max_tokens": 8}, True),
        (f"<think>Hm.</think>{CALL}", {"tools": [TOOL]}, False),
    ],
)
def test_as_many_tokens_were_thought_however_they_come(
    front: Front, said: str, fields: dict[str, Any], begins_inside: bool
) -> None:
    front.says(said)
    asked = {"chat_template_kwargs": {"enable_thinking": True}} if begins_inside else {}
    found = set()
    for interval in (1, 2, 5, 1000):
        answer = front.chat(
            **asked, **fields, stream=True, stream_interval=interval, stream_options=USAGE
        )
        usage = answer.events[-1]["usage"]
        found.add(usage["completion_tokens_details"]["reasoning_tokens"])
    whole = front.chat(**asked, **fields).json["usage"]
    found.add(whole["completion_tokens_details"]["reasoning_tokens"])
    assert len(found) == 1
    assert 0 < found.pop() <= whole["completion_tokens"]
