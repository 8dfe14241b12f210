"""The official OpenAI SDK for Python and the Responses API: made, streamed, parsed, polled, with tools, cut short."""

import json
import time
from typing import Any

import stage
from openai import OpenAI
from pydantic import BaseModel, Field
from stage import ASKED, Seen

FIXED: dict[str, Any] = {"model": ASKED["model"], "temperature": 0}
POLL_S = 0.1


class Person(BaseModel):
    name: str
    age: int = Field(ge=0)
    city: str


def function(name: str, about: str, parameter: str) -> dict[str, Any]:
    parameters = {
        "type": "object",
        "properties": {parameter: {"type": "string"}},
        "required": [parameter],
        "additionalProperties": False,
    }
    given = {"name": name, "description": about, "parameters": parameters, "strict": True}
    return {"type": "function", **given}


TOOLS = [
    function("get_weather", "Get the current weather of a city.", "city"),
    function("calculator", "Evaluate an arithmetic expression.", "expression"),
]


def connect(base_url: str) -> OpenAI:
    return OpenAI(base_url=base_url, api_key="none", max_retries=0)


def responses_create(client: OpenAI) -> Seen:
    response = client.responses.create(input=ASKED["hello"], **FIXED)
    (item,) = client.responses.input_items.list(response.id).data
    return {
        "text": response.output_text,
        "status": response.status,
        "again": client.responses.retrieve(response.id).output_text,
        "input": item.content[0].text,
    }


def responses_stream(client: OpenAI) -> Seen:
    """The streaming helper's events, and the whole that it puts together of them."""
    with client.responses.stream(input=ASKED["hello"], **FIXED) as events:
        seen = list(events)
        final = events.get_final_response()
    return {
        "pieces": [e.delta for e in seen if e.type == "response.output_text.delta"],
        "text": final.output_text,
        "numbers": [e.sequence_number for e in seen],
        "last": seen[-1].type,
    }


def responses_parse(client: OpenAI) -> Seen:
    parsed = client.responses.parse(input=ASKED["person"], text_format=Person, **FIXED)
    with client.responses.stream(input=ASKED["person"], text_format=Person, **FIXED) as events:
        streamed = events.get_final_response()
    return {
        "parse": parsed.output_parsed.model_dump(),
        "stream": streamed.output_parsed.model_dump(),
    }


def responses_poll(client: OpenAI) -> Seen:
    begun = client.responses.create(input=ASKED["hello"], background=True, **FIXED)
    response = begun
    while response.status in ("queued", "in_progress"):
        time.sleep(POLL_S)
        response = client.responses.retrieve(begun.id)
    with client.responses.stream(response_id=begun.id, starting_after=2) as events:
        numbers = [event.sequence_number for event in events]
    return {
        "first": begun.status,
        "status": response.status,
        "text": response.output_text,
        "numbers": numbers,
    }


def responses_tools(client: OpenAI) -> Seen:
    """The conversation as items, which grow."""
    items: list[Any] = [{"role": "user", "content": ASKED["weather"]}]
    first = client.responses.create(input=items, tools=TOOLS, **FIXED)
    last = client.responses.create(
        input=[*items, *first.output, *results(first)], tools=TOOLS, **FIXED
    )
    return {**called(first), "text": last.output_text}


def responses_chain(client: OpenAI) -> Seen:
    """The conversation as the server keeps it; arguments come parsed."""
    first = client.responses.parse(
        input=ASKED["weather"], tools=TOOLS, tool_choice="required", **FIXED
    )
    last = client.responses.create(
        input=results(first), previous_response_id=first.id, tools=TOOLS, **FIXED
    )
    parsed = [item.parsed_arguments for item in first.output if item.type == "function_call"]
    return {**called(first), "parsed": parsed, "text": last.output_text}


def responses_again(client: OpenAI) -> Seen:
    """A stream that is cut short, and the rest of it."""
    with client.responses.create(input=ASKED["hello"], stream=True, **FIXED) as events:
        came = [event for event, _ in zip(events, range(8), strict=False)]
    response_id = came[0].response.id
    after = came[-1].sequence_number
    rest = list(after_a_while(client, response_id, after))
    pieces = [e.delta for e in [*came, *rest] if e.type == "response.output_text.delta"]
    return {
        "pieces": pieces,
        "numbers": [event.sequence_number for event in [*came, *rest]],
        "text": client.responses.retrieve(response_id).output_text,
    }


def after_a_while(client: OpenAI, response_id: str, after: int) -> Any:
    """The server needs a moment to notice that nobody listens."""
    for _ in range(100):
        try:
            return client.responses.retrieve(response_id, stream=True, starting_after=after)
        except Exception as error:
            last = error
            time.sleep(POLL_S)
    raise last


def results(response: Any) -> list[Any]:
    return [
        {
            "type": "function_call_output",
            "call_id": item.call_id,
            "output": getattr(stage, item.name)(**json.loads(item.arguments)),
        }
        for item in response.output
        if item.type == "function_call"
    ]


def called(response: Any) -> Seen:
    calls = [
        {"name": item.name, "arguments": json.loads(item.arguments)}
        for item in response.output
        if item.type == "function_call"
    ]
    return {"calls": calls}


if __name__ == "__main__":
    stage.play(
        connect,
        *(responses_create, responses_stream, responses_parse, responses_poll),
        *(responses_tools, responses_chain, responses_again),
    )
