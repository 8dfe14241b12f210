"""Tools and reasoning in responses: items, events, the loop of calls, and what the engine is held to."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI
from support.front import Front

from penstock.protocol import token_ids

PATH = "/v1/responses"
TEMPLATE = """\
{%- if tools %}{% for tool in tools %}{{ tool | tojson }}{% endfor %}
To call: <tool_call>
{"name": "...", "arguments": {...}}
</tool_call>
{% endif %}
{%- for message in messages %}<|im_start|>{{ message.role }}
{% if message.reasoning_content %}<think>{{ message.reasoning_content }}</think>{% endif %}
{{- message.content or '' }}
{%- for call in message.tool_calls or [] %}<tool_call>
{"name": {{ call.function.name | tojson }}, "arguments": {{ call.function.arguments | tojson }}}
</tool_call>{% endfor %}<|im_end|>
{% endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""
TOOL: dict[str, Any] = {
    "type": "function",
    "name": "weather",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}
CALL = '<tool_call>\n{"name": "weather", "arguments": {"city": "Łódź"}}\n</tool_call>'
ARGUMENTS = '{"city": "Łódź"}'


@pytest.fixture(scope="module")
def front(byte_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    template = tmp_path_factory.mktemp("template") / "tools.jinja"
    template.write_text(TEMPLATE)
    with Front(byte_model, chat_template=str(template)) as front:
        yield front


@pytest.fixture
def client(front: Front) -> OpenAI:
    return OpenAI(base_url=f"{front.url}/v1", api_key="none", max_retries=0)


def prompt_of(front: Front) -> str:
    ids = token_ids.unpack(front.last.prompt)
    return front.tokenizer.decode(ids, skip_special_tokens=False)


def test_thoughts_words_and_calls_are_items(front: Front, client: OpenAI) -> None:
    front.says(f"<think>Hm, a city.</think>I look.{CALL}{CALL}")
    with client.responses.stream(model="tiny", input="Hi", tools=[TOOL]) as stream:
        events = list(stream)
        response = stream.get_final_response()
    assert [item.type for item in response.output] == [
        "reasoning",
        "message",
        "function_call",
        "function_call",
    ]
    reasoning, message, call, other = response.output
    assert reasoning.type == "reasoning"
    assert [part.text for part in reasoning.content or []] == ["Hm, a city."]
    assert message.type == "message"
    assert response.output_text.strip() == "I look."
    assert call.type == other.type == "function_call"
    assert (call.name, json.loads(call.arguments)) == ("weather", {"city": "Łódź"})
    assert call.call_id != other.call_id
    assert [event.sequence_number for event in events] == list(range(len(events)))
    deltas = [e.delta for e in events if e.type == "response.reasoning_text.delta"]
    assert "".join(deltas) == "Hm, a city."
    assert response.usage is not None
    num_thought = response.usage.output_tokens_details.reasoning_tokens
    assert len("Hm, a city.") <= num_thought <= len("<think>Hm, a city.</think>")
    kept = client.responses.retrieve(response.id)
    assert [item.type for item in kept.output] == [item.type for item in response.output]


def test_the_loop_of_calls(front: Front, client: OpenAI) -> None:
    front.says(f"<think>Hm.</think>{CALL}")
    first = client.responses.create(model="tiny", input="Weather?", tools=[TOOL])
    (call,) = [item for item in first.output if item.type == "function_call"]
    front.says("It rains.")
    output: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "rain"}
    second = client.responses.create(
        model="tiny", input=[output], tools=[TOOL], previous_response_id=first.id
    )
    assert second.output_text == "It rains."
    by_hand = client.responses.create(
        model="tiny",
        tools=[TOOL],
        input=[
            {"role": "user", "content": "Weather?"},
            *[item.to_dict() for item in first.output],
            output,
        ],  # type: ignore[misc,list-item]
    )
    assert by_hand.output_text == "It rains."
    prompts = {bytes(request.prompt) for request in front.engine.generates[-2:]}
    assert len(prompts) == 1
    assert prompt_of(front).endswith(
        "<|im_start|>assistant\n<think>Hm.</think>"
        '<tool_call>\n{"name": "weather", "arguments": {"city": "Łódź"}}\n</tool_call><|im_end|>\n'
        "<|im_start|>tool\nrain<|im_end|>\n<|im_start|>assistant\n"
    )


def test_a_call_is_cut_short(front: Front) -> None:
    front.says(CALL)
    body = front.post(PATH, {"input": "Hi", "tools": [TOOL], "max_output_tokens": 60}).json
    (call,) = body["output"]
    assert (call["type"], call["status"], body["status"]) == (
        "function_call",
        "incomplete",
        "incomplete",
    )


@pytest.mark.parametrize(
    "choice",
    [
        "required",
        {"type": "function", "name": "weather"},
        {
            "type": "allowed_tools",
            "mode": "required",
            "tools": [{"type": "function", "name": "weather"}],
        },
    ],
)
def test_a_forced_call_is_a_grammar(front: Front, choice: Any) -> None:
    front.says(CALL)
    body = front.post(PATH, {"input": "Hi", "tools": [TOOL], "tool_choice": choice}).json
    assert body["output"][0]["type"] == "function_call"
    assert body["tool_choice"] == choice
    assert front.last.params.constraint is not None
    assert "weather" in front.last.params.constraint.text


def in_chats_spelling(tool: dict[str, Any]) -> dict[str, Any]:
    return {"type": "function", "function": {k: v for k, v in tool.items() if k != "type"}}


@pytest.mark.parametrize(
    ("choice", "own"),
    [
        (in_chats_spelling({"name": "weather"}), {"type": "function", "name": "weather"}),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "required",
                    "tools": [in_chats_spelling({"name": "weather"})],
                },
            },
            {
                "type": "allowed_tools",
                "mode": "required",
                "tools": [{"type": "function", "name": "weather"}],
            },
        ),
    ],
    ids=["function", "allowed_tools"],
)
def test_tools_in_chats_spelling_come_back_in_this_apis(
    front: Front, choice: Any, own: Any
) -> None:
    front.says(CALL)
    here = front.post(PATH, {"input": "Hi", "tools": [TOOL], "tool_choice": own}).json
    asked = {"input": "Hi", "tools": [in_chats_spelling(TOOL)], "tool_choice": choice}
    there = front.post(PATH, asked).json
    assert (there["tools"], there["tool_choice"]) == (here["tools"], own)
    assert there["output"][0]["arguments"] == ARGUMENTS
    first, second = front.engine.generates[-2:]
    assert (first.prompt, first.params.constraint) == (second.prompt, second.params.constraint)


@pytest.mark.parametrize(
    ("fields", "param", "words"),
    [
        ({"tools": [TOOL | {"function": {"name": "b"}}]}, "tools", "tools[0]: name is said twice"),
        ({"tools": [{"type": "function"}]}, "tools", "tools[0].name: 1 to 256"),
        ({"tools": [{"name": "weather"}]}, "tools", "tools[0]: tools of type None"),
        (
            {"tools": [TOOL], "tool_choice": in_chats_spelling({"name": "a"}) | {"name": "b"}},
            "tool_choice",
            "tool_choice: name is said twice",
        ),
    ],
    ids=["tool", "nameless", "typeless", "choice"],
)
def test_a_tool_that_is_said_half_here_and_half_there_is_refused(
    front: Front, fields: dict[str, Any], param: str, words: str
) -> None:
    answer = front.post(PATH, {"input": "Hi", **fields})
    assert (answer.status, answer.error["param"]) == (400, param)
    assert answer.error["message"].startswith(words)


def test_without_a_choice_calls_are_text(front: Front) -> None:
    front.says(CALL)
    body = front.post(PATH, {"input": "Hi", "tools": [TOOL], "tool_choice": "none"}).json
    assert body["output"][0]["content"][0]["text"] == CALL


def test_empty_tools_and_auto_are_no_tools(front: Front) -> None:
    front.says("Hi")
    body = front.post(PATH, {"input": "Hi", "tools": [], "tool_choice": "auto"}).json
    assert body["output"][0]["type"] == "message"


def test_thoughts_may_be_left_out(front: Front) -> None:
    front.says("<think>Hm.</think>Yes.")
    body = front.post(PATH, {"input": "Hi", "include_reasoning": False}).json
    assert [item["type"] for item in body["output"]] == ["message"]


def test_calls_in_the_background_are_the_same(front: Front) -> None:
    front.says(f"<think>Hm.</think>{CALL}")
    body = {"input": "Hi", "tools": [TOOL], "background": True, "stream": True}
    data = front.post(PATH, body).data.decode()
    last = json.loads(data.rstrip("\n").rpartition("\ndata: ")[2])
    assert [item["type"] for item in last["response"]["output"]] == ["reasoning", "function_call"]
    assert last["response"]["output"][1]["arguments"] == ARGUMENTS
