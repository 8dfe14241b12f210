"""POST /v1/chat/completions: shapes, prompts, and what reaches the engine."""

from typing import Any

import pytest
from support.front import Front

from penstock.protocol import token_ids

PROMPT = "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"


def prompt_of(front: Front) -> str:
    ids = token_ids.unpack(front.last.prompt)
    return front.tokenizer.decode(ids, skip_special_tokens=False)


def test_an_answer_has_the_shape_that_clients_know(front: Front) -> None:
    front.says("Hello, 世界!")
    answer = front.chat()
    body = answer.json
    assert answer.status == 200
    assert body["id"] == f"chatcmpl-{answer.headers['x-request-id']}"
    assert (body["object"], body["model"]) == ("chat.completion", "tiny")
    assert body["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hello, 世界!", "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
            "stop_reason": None,
        }
    ]
    assert body["usage"] == {
        "prompt_tokens": 21,
        "total_tokens": 36,
        "completion_tokens": 15,
        "prompt_tokens_details": {"cached_tokens": 0},
    }
    assert prompt_of(front) == PROMPT


def test_a_stream_opens_with_the_role_and_ends_with_the_reason(front: Front) -> None:
    front.says("Hello")
    first, *texts, last = front.chat(stream=True).events
    assert first["object"] == "chat.completion.chunk"
    assert first["choices"] == [
        {
            "index": 0,
            "delta": {"role": "assistant", "content": ""},
            "logprobs": None,
            "finish_reason": None,
        }
    ]
    assert all(set(c["choices"][0]) == set(first["choices"][0]) for c in texts)
    assert last["choices"][0]["finish_reason"] == "stop"
    assert last["choices"][0]["stop_reason"] is None
    assert "usage" not in last


def test_usage_comes_last_and_without_choices(front: Front) -> None:
    front.says("Hello")
    events = front.chat(stream=True, stream_options={"include_usage": True}).events
    assert events[-1]["choices"] == []
    assert events[-1]["usage"]["completion_tokens"] == 6
    assert all("usage" not in event for event in events[:-1])


def test_usage_can_come_with_every_chunk(front: Front) -> None:
    front.says("Hello")
    options = {"include_usage": True, "continuous_usage_stats": True}
    events = front.chat(stream=True, stream_options=options).events
    counts = [event["usage"]["completion_tokens"] for event in events]
    assert counts == sorted(counts)
    assert counts[0] == 0
    assert counts[-1] == 6


@pytest.mark.parametrize(
    ("options", "is_told"),
    [
        ({}, False),
        ({"include_usage": None}, False),
        ({"continuous_usage_stats": True}, True),
        ({"include_usage": None, "continuous_usage_stats": True}, True),
        ({"include_usage": False, "continuous_usage_stats": True}, False),
        ({"include_usage": True, "continuous_usage_stats": None}, True),
    ],
    ids=str,
)
def test_usage_is_told_where_the_options_ask_for_it(
    front: Front, options: dict[str, bool | None], is_told: bool
) -> None:
    front.says("ab")
    for answer in (front.chat, front.complete):
        *_, last = answer(stream=True, stream_options=options).events
        assert ("usage" in last) is is_told


def test_parts_of_every_textual_kind_are_shown(front: Front) -> None:
    front.says("a")
    kinds = {"text": "text", "input_text": "text", "output_text": "text", "refusal": "refusal"}
    parts = [{"type": kind, key: kind} for kind, key in kinds.items()]
    messages = [{"role": "assistant", "content": parts}]
    body = {"messages": messages, "echo": True, "continue_final_message": True}
    answer = front.post("/v1/chat/completions", body)
    assert answer.choice["message"]["content"] == "\n".join(kinds) + "a"
    assert prompt_of(front).endswith("\n".join(kinds))


def test_an_unbounded_output_does_not_cost_the_prompt(front: Front) -> None:
    front.says("a")
    front.chat("x" * 5000, truncate_prompt_tokens=-1)
    assert token_ids.count(front.last.prompt) == 4095


def test_logprobs_name_the_likeliest(front: Front) -> None:
    front.says("ab")
    content = front.chat(logprobs=True, top_logprobs=2).choice["logprobs"]["content"]
    assert [entry["token"] for entry in content] == ["a", "b", "<|im_end|>"]
    assert content[0]["bytes"] == [97]
    assert [top["token"] for top in content[0]["top_logprobs"]] == ["a", "b"]
    assert front.last.params.logprobs == 2


def test_logprobs_without_top_ones(front: Front) -> None:
    front.says("ab")
    content = front.chat(logprobs=True).choice["logprobs"]["content"]
    assert content[0]["top_logprobs"] == []
    assert front.last.params.logprobs == 0


def test_tokens_can_be_spelled_as_ids(front: Front) -> None:
    front.says("a")
    content = front.chat(logprobs=True, return_tokens_as_token_ids=True).choice["logprobs"]
    assert content["content"][0]["token"] == f"token_id:{front.tokenizer.token_id('a')}"


def test_prompt_logprobs_begin_with_null(front: Front) -> None:
    front.says("a")
    found = front.chat(prompt_logprobs=0).json["prompt_logprobs"]
    assert found[0] is None
    assert len(found) == 21
    assert next(iter(found[1].values()))["logprob"] == -0.5


def test_token_ids_are_returned_when_asked_for(front: Front) -> None:
    front.says("ab")
    body = front.chat(return_token_ids=True).json
    ids = body["choices"][0]["token_ids"]
    assert front.tokenizer.decode(ids) == "ab"
    assert front.tokenizer.decode(body["prompt_token_ids"], False) == PROMPT
    events = front.chat(return_token_ids=True, stream=True).events
    assert events[0]["prompt_token_ids"] == body["prompt_token_ids"]
    assert [i for e in events[1:] for i in e["choices"][0]["token_ids"]] == ids


@pytest.mark.parametrize("stream", [False, True])
def test_echo_begins_with_the_last_message_when_it_is_the_answerers(
    front: Front, stream: bool
) -> None:
    front.says(" there")
    messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    body: dict[str, Any] = {"messages": messages, "echo": True, "stream": stream}
    body |= {"add_generation_prompt": False, "continue_final_message": True}
    answer = front.post("/v1/chat/completions", body)
    if stream:
        text = "".join(e["choices"][0]["delta"]["content"] for e in answer.events)
    else:
        text = answer.choice["message"]["content"]
    assert text == "Hello there"
    assert prompt_of(front).endswith("<|im_start|>assistant\nHello")


def test_tools_reach_the_template_unless_none_are_to_be_used(front: Front) -> None:
    front.says("a")
    tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    front.chat(tools=tools, max_tokens=1)
    assert prompt_of(front).startswith("tools:1\n")
    front.chat(tools=tools, tool_choice="none", max_tokens=1)
    assert prompt_of(front) == PROMPT


def test_a_request_may_bring_its_own_template_when_trusted(front: Front) -> None:
    front.says("a")
    front.chat(chat_template="{{ messages[0].content }}{{ mark }}", max_tokens=1)
    assert prompt_of(front) == "Hi"
    kwargs = {"mark": "!"}
    front.chat(chat_template="{{ mark }}", chat_template_kwargs=kwargs, max_tokens=1)
    assert prompt_of(front) == "!"


def test_the_output_fills_what_the_context_leaves(front: Front) -> None:
    front.says("a")
    front.chat()
    assert front.last.params.max_tokens == 4096 - 21
    front.chat(max_completion_tokens=7, max_tokens=9)
    assert front.last.params.max_tokens == 7
    front.chat(max_tokens=100_000)
    assert front.last.params.max_tokens == 4096 - 21


def test_long_prompts_are_encoded_off_the_loop(front: Front) -> None:
    answer = front.chat("x" * 20_000)
    assert answer.status == 400
    assert "maximum context length is 4096" in answer.error["message"]
    front.says("a")
    assert front.chat("x" * 20_000, truncate_prompt_tokens=4000).status == 200
    assert token_ids.count(front.last.prompt) == 4000
