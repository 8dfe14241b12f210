"""brook thinks before it answers, over HTTP: its thoughts are told apart, counted, bounded and not constrained."""

import json
from typing import Any

import jsonschema
import pytest
from support.deployment import Deployment, chunks_of

SUM = [{"role": "user", "content": "What is 27 + 48?"}]
END_OF_THOUGHT = ["</think>"]
THINKS = {"chat_template_kwargs": {"enable_thinking": True}}
FORM = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the current weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


def asked(**fields: Any) -> dict[str, Any]:
    return {"messages": SUM, "temperature": 0, "max_tokens": 200, **fields}


def whole(brook: Deployment, **fields: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The message, which must have come to its own end, and the usage."""
    status, answer = brook.post("/v1/chat/completions", asked(**fields))
    assert status == 200, answer
    [choice] = answer["choices"]
    assert choice["finish_reason"] in ("stop", "tool_calls")
    return choice["message"], answer["usage"]


def num_thought(usage: dict[str, Any]) -> int:
    return int(usage["completion_tokens_details"]["reasoning_tokens"])


@pytest.mark.parametrize("fields", [THINKS, {"reasoning_effort": "low"}])
def test_a_sum_is_worked_out_first(brook: Deployment, fields: dict[str, Any]) -> None:
    message, usage = whole(brook, **fields)
    assert message["reasoning"] == message["reasoning_content"]
    assert "7 + 8 = 15" in message["reasoning"]
    assert "75" in message["content"]
    assert "think>" not in message["reasoning"] + message["content"]
    assert 0 < num_thought(usage) < usage["completion_tokens"]


@pytest.mark.parametrize("fields", [{}, {"reasoning_effort": "none"}])
def test_nothing_is_thought_unasked(brook: Deployment, fields: dict[str, Any]) -> None:
    message, usage = whole(brook, **fields)
    assert not {"reasoning", "reasoning_content"} & message.keys()
    assert "75" in message["content"]
    assert "think>" not in message["content"]
    assert num_thought(usage) == 0


def test_a_stream_thinks_first_and_says_the_same(brook: Deployment) -> None:
    message, usage = whole(brook, **THINKS)
    fields = asked(**THINKS, stream=True, stream_options={"include_usage": True})
    status, events = brook.post("/v1/chat/completions", fields)
    assert status == 200, events
    *chunks, last = chunks_of(events)
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    thought = [delta["reasoning"] for delta in deltas if "reasoning" in delta]
    said = [delta["content"] for delta in deltas if delta.get("content")]
    assert thought == [d["reasoning_content"] for d in deltas if "reasoning_content" in d]
    assert len(thought) > 1
    assert ("".join(thought), "".join(said)) == (message["reasoning"], message["content"])
    order = [
        "reasoning" in delta for delta in deltas if "reasoning" in delta or delta.get("content")
    ]
    assert order == sorted(order, reverse=True)
    assert last["usage"] == usage


def test_thoughts_that_are_not_wanted_count_all_the_same(brook: Deployment) -> None:
    shown, usage = whole(brook, **THINKS)
    hidden, same = whole(brook, **THINKS, include_reasoning=False)
    assert not {"reasoning", "reasoning_content"} & hidden.keys()
    assert hidden["content"] == shown["content"]
    assert same == usage


@pytest.mark.parametrize("budget", [1, 4])
def test_a_spent_budget_ends_the_thought(brook: Deployment, budget: int) -> None:
    free, usage = whole(brook, **THINKS)
    message, less = whole(brook, **THINKS, thinking_token_budget=budget)
    assert free["reasoning"].startswith(message["reasoning"])
    assert 0 < len(message["reasoning"]) < len(free["reasoning"])
    assert num_thought(usage) > num_thought(less) == budget + len(END_OF_THOUGHT)
    assert message["content"]


def test_a_budget_of_nothing_is_no_thought(brook: Deployment) -> None:
    message, usage = whole(brook, **THINKS, thinking_token_budget=0)
    assert not message.get("reasoning")
    assert num_thought(usage) == len(END_OF_THOUGHT)
    assert "75" in message["content"]


@pytest.mark.parametrize("temperature", [0, 1.5])
def test_a_constraint_begins_behind_the_thought(brook: Deployment, temperature: float) -> None:
    text = "Turn this into JSON: Meet Mara. Age: 30."
    schema = {"name": "form", "schema": FORM, "strict": True}
    message, _ = whole(
        brook,
        **THINKS,
        messages=[{"role": "user", "content": text}],
        temperature=temperature,
        seed=5,
        thinking_token_budget=60,
        response_format={"type": "json_schema", "json_schema": schema},
    )
    jsonschema.validate(json.loads(message["content"]), FORM)
    assert message["reasoning"]
    assert not message["reasoning"].startswith("{")


def test_a_tool_is_called_after_a_thought_and_its_result_is_told(brook: Deployment) -> None:
    turns: list[dict[str, Any]] = [{"role": "user", "content": "What is the weather in Paris?"}]
    message, _ = whole(brook, **THINKS, messages=turns, tools=[WEATHER])
    assert "Paris" in message["reasoning"]
    [call] = message["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"city": "Paris"}
    given = json.dumps({"temperature": 21, "condition": "sunny"})
    turns += [message, {"role": "tool", "tool_call_id": call["id"], "content": given}]
    told, _ = whole(brook, **THINKS, messages=turns, tools=[WEATHER])
    assert told["reasoning"]
    assert "21" in told["content"]


def test_a_constraint_is_no_invitation_to_think(brook: Deployment) -> None:
    """Where hardly any token fits, the one that opens a thought must not be among them."""
    for seed in range(20):
        message, usage = whole(
            brook,
            messages=[{"role": "user", "content": "Hello!"}],
            temperature=1,
            seed=seed,
            structured_outputs={"json": {"enum": [3, 4]}},
        )
        assert message["content"] in ("3", "4")
        assert "reasoning" not in message
        assert num_thought(usage) == 0
