"""Instructor over the OpenAI SDK, in the modes that a server enforces. Its tools are its models."""

from collections.abc import Iterable
from typing import Any

import instructor
import stage
from instructor import Mode
from openai import OpenAI
from pydantic import BaseModel
from stage import ASKED, Seen

FIXED: dict[str, Any] = {"model": ASKED["model"], "temperature": 0, "max_retries": 0}


class get_weather(BaseModel):
    """Get the current weather of a city."""

    city: str


class Person(BaseModel):
    """What is known of a person."""

    name: str
    age: int
    city: str


def connect(base_url: str) -> OpenAI:
    return OpenAI(base_url=base_url, api_key="none", max_retries=0)


def _patched(client: OpenAI, mode: Mode = Mode.TOOLS) -> Any:
    return instructor.from_openai(client, mode=mode)


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def chat(client: OpenAI) -> Seen:
    answer = _patched(client).chat.completions.create(
        response_model=None, messages=[user(ASKED["hello"])], **FIXED
    )
    return {"text": answer.choices[0].message.content}


def stream(client: OpenAI) -> Seen:
    chunks = _patched(client).chat.completions.create(
        response_model=None, stream=True, messages=[user(ASKED["hello"])], **FIXED
    )
    texts = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
    return {"pieces": [text for text in texts if text]}


def tools(client: OpenAI) -> Seen:
    """The call comes as an object; its result goes back, and the answer is text."""
    messages: list[Any] = [user(ASKED["weather"])]
    made, raw = _patched(client).create_with_completion(
        response_model=get_weather, messages=messages, **FIXED
    )
    asked = raw.choices[0].message
    messages += [asked.model_dump(), _result(asked.tool_calls[0].id, made)]
    answer = _patched(client).create(response_model=None, messages=messages, **FIXED)
    return {"calls": [_shown(made)], "text": answer.choices[0].message.content}


def stream_tools(client: OpenAI) -> Seen:
    messages: list[Any] = [user(ASKED["weather"])]
    *_, made = _patched(client).create_partial(
        response_model=get_weather, messages=messages, **FIXED
    )
    call = {"name": "get_weather", "arguments": made.model_dump_json()}
    calls = [{"id": "call_1", "type": "function", "function": call}]
    messages += [
        {"role": "assistant", "content": None, "tool_calls": calls},
        _result("call_1", made),
    ]
    chunks = _patched(client).create(response_model=None, stream=True, messages=messages, **FIXED)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    return {"calls": [_shown(made)], "text": text}


def parallel(client: OpenAI) -> Seen:
    made = _patched(client, Mode.PARALLEL_TOOLS).create(
        response_model=Iterable[get_weather], messages=[user(ASKED["two_cities"])], **FIXED
    )
    return {"calls": [_shown(call) for call in made]}


def _result(call_id: str, call: Any) -> dict[str, str]:
    output = stage.get_weather(call.city)
    return {"role": "tool", "tool_call_id": call_id, "content": output}


def _shown(call: BaseModel) -> dict[str, Any]:
    return {"name": "get_weather", "arguments": call.model_dump()}


def structured(client: OpenAI) -> Seen:
    return {mode.value: _extract(client, mode) for mode in _MODES}


_MODES = (Mode.TOOLS, Mode.JSON_SCHEMA)


def _extract(client: OpenAI, mode: Mode) -> dict[str, Any]:
    person: Person = _patched(client, mode).create(
        response_model=Person, messages=[user(ASKED["person"])], **FIXED
    )
    return person.model_dump()


def stream_structured(client: OpenAI) -> Seen:
    *_, last = _patched(client, Mode.JSON_SCHEMA).create_partial(
        response_model=Person, messages=[user(ASKED["person"])], **FIXED
    )
    return {"partial": last.model_dump()}


if __name__ == "__main__":
    stage.play(
        connect,
        *(chat, stream, tools, stream_tools, parallel),
        *(structured, stream_structured),
    )
