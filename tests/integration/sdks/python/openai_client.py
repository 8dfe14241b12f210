"""The official OpenAI SDK for Python: plain calls, the streaming helpers and `.parse()`."""

import json
from collections.abc import Iterable
from typing import Any

import stage
from openai import OpenAI, pydantic_function_tool
from pydantic import BaseModel, Field
from stage import ASKED, Seen

FIXED: dict[str, Any] = {"model": ASKED["model"], "temperature": 0}


class GetWeather(BaseModel):
    """Get the current weather of a city."""

    city: str


class Calculator(BaseModel):
    """Evaluate an arithmetic expression."""

    expression: str


class Person(BaseModel):
    name: str
    age: int = Field(ge=0)
    city: str


STRICT = [
    pydantic_function_tool(GetWeather, name="get_weather"),
    pydantic_function_tool(Calculator, name="calculator"),
]


def function(name: str, about: str, parameter: str) -> dict[str, Any]:
    parameters = {
        "type": "object",
        "properties": {parameter: {"type": "string"}},
        "required": [parameter],
    }
    return {
        "type": "function",
        "function": {"name": name, "description": about, "parameters": parameters},
    }


TOOLS = [
    function("get_weather", "Get the current weather of a city.", "city"),
    function("calculator", "Evaluate an arithmetic expression.", "expression"),
]


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def connect(base_url: str) -> OpenAI:
    return OpenAI(base_url=base_url, api_key="none", max_retries=0)


def chat(client: OpenAI) -> Seen:
    answer = client.chat.completions.create(messages=[user(ASKED["hello"])], **FIXED)
    choice = answer.choices[0]
    return {"text": choice.message.content, "finish": choice.finish_reason}


def stream(client: OpenAI) -> Seen:
    chunks = client.chat.completions.create(
        messages=[user(ASKED["hello"])],
        stream=True,
        stream_options={"include_usage": True},
        **FIXED,
    )
    choices = [chunk.choices[0] for chunk in chunks if chunk.choices]
    pieces = [choice.delta.content for choice in choices if choice.delta.content]
    return {"pieces": pieces, "finish": choices[-1].finish_reason}


def tools(client: OpenAI) -> Seen:
    messages: list[Any] = [user(ASKED["weather"])]
    asked = client.chat.completions.create(messages=messages, tools=TOOLS, **FIXED).choices[0]
    messages += [asked.message, *results(asked.message.tool_calls)]
    answer = client.chat.completions.create(messages=messages, tools=TOOLS, **FIXED).choices[0]
    return {
        **called(asked),
        "text": answer.message.content,
        "ends": answer.finish_reason,
    }


def stream_tools(client: OpenAI) -> Seen:
    """The deltas as they are, put together as the API's reference says."""
    messages: list[Any] = [user(ASKED["weather"])]
    chunks = client.chat.completions.create(messages=messages, tools=TOOLS, stream=True, **FIXED)
    calls, finish = assembled(chunks)
    messages.append({"role": "assistant", "tool_calls": calls})
    messages += [result(call["id"], call["function"]) for call in calls]
    chunks = client.chat.completions.create(messages=messages, tools=TOOLS, stream=True, **FIXED)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    return {"calls": [shown(call["function"]) for call in calls], "finish": finish, "text": text}


def assembled(chunks: Iterable[Any]) -> tuple[list[dict[str, Any]], str | None]:
    calls: list[dict[str, Any]] = []
    finish = None
    for chunk in chunks:
        finish = chunk.choices[0].finish_reason or finish
        for delta in chunk.choices[0].delta.tool_calls or []:
            if delta.index == len(calls):
                calls.append({"id": delta.id, "type": delta.type, "function": {"arguments": ""}})
                calls[-1]["function"]["name"] = delta.function.name
            calls[delta.index]["function"]["arguments"] += delta.function.arguments or ""
    return calls, finish


def results(calls: Iterable[Any]) -> list[dict[str, str]]:
    return [result(call.id, call.function.model_dump()) for call in calls]


def result(call_id: str, call: dict[str, str]) -> dict[str, str]:
    output = getattr(stage, call["name"])(**json.loads(call["arguments"]))
    return {"role": "tool", "tool_call_id": call_id, "content": output}


def called(choice: Any) -> Seen:
    calls = choice.message.tool_calls or []
    return {
        "calls": [shown(call.function.model_dump()) for call in calls],
        "finish": choice.finish_reason,
        "content": choice.message.content,
    }


def shown(call: dict[str, str]) -> dict[str, Any]:
    return {"name": call["name"], "arguments": json.loads(call["arguments"])}


def required(client: OpenAI) -> Seen:
    answer = client.chat.completions.create(
        messages=[user(ASKED["hello"])], tools=TOOLS, tool_choice="required", **FIXED
    )
    return called(answer.choices[0])


def named(client: OpenAI) -> Seen:
    choice = {"type": "function", "function": {"name": "calculator"}}
    answer = client.chat.completions.create(
        messages=[user(ASKED["weather"])], tools=TOOLS, tool_choice=choice, **FIXED
    )
    return called(answer.choices[0])


def parallel(client: OpenAI) -> Seen:
    answer = client.chat.completions.create(
        messages=[user(ASKED["two_cities"])], tools=TOOLS, **FIXED
    )
    return called(answer.choices[0])


def structured(client: OpenAI) -> Seen:
    answer = client.chat.completions.parse(
        messages=[user(ASKED["person"])], response_format=Person, **FIXED
    )
    loose = client.chat.completions.create(
        messages=[user(ASKED["person"])], response_format={"type": "json_object"}, **FIXED
    )
    return {
        "parse": answer.choices[0].message.parsed.model_dump(),
        "json_object": json.loads(loose.choices[0].message.content),
    }


def stream_structured(client: OpenAI) -> Seen:
    with client.chat.completions.stream(
        messages=[user(ASKED["person"])], response_format=Person, **FIXED
    ) as events:
        kinds = [event.type for event in events]
        final = events.get_final_completion()
    assert "content.done" in kinds
    return {"stream": final.choices[0].message.parsed.model_dump()}


def parsed_tools(client: OpenAI) -> Seen:
    """Strict functions: `.parse()` gives their arguments as objects."""
    answer = client.chat.completions.parse(
        messages=[user(ASKED["weather"])], tools=STRICT, tool_choice="required", **FIXED
    )
    (call,) = answer.choices[0].message.tool_calls
    return {"arguments": call.function.parsed_arguments.model_dump()}


def tool_events(client: OpenAI) -> Seen:
    """The streaming helper's events over a tool call, with usage at the end."""
    with client.chat.completions.stream(
        messages=[user(ASKED["weather"])],
        tools=STRICT,
        stream_options={"include_usage": True},
        **FIXED,
    ) as events:
        seen = list(events)
        final = events.get_final_completion()
    deltas = [e.arguments_delta for e in seen if e.type == "tool_calls.function.arguments.delta"]
    (done,) = [e for e in seen if e.type == "tool_calls.function.arguments.done"]
    return {
        **called(final.choices[0]),
        "deltas": deltas,
        "done": done.arguments,
        "usage": final.usage.completion_tokens,
    }


if __name__ == "__main__":
    stage.play(
        connect,
        *(chat, stream, tools, stream_tools, required, named, parallel),
        *(structured, stream_structured, parsed_tools, tool_events),
    )
