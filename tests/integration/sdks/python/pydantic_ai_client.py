"""Pydantic AI: agents with tools, and each of its ways to structured output."""

import asyncio
from typing import Any

import stage
from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput, PromptedOutput, ToolOutput
from pydantic_ai.direct import model_request_sync
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import Tool
from stage import ASKED, Seen

TOOLS = [Tool(stage.get_weather), Tool(stage.calculator)]


class Person(BaseModel):
    """What is known of a person."""

    name: str
    age: int
    city: str


def connect(base_url: str) -> OpenAIChatModel:
    return OpenAIChatModel(
        ASKED["model"],
        provider=OpenAIProvider(base_url=base_url, api_key="none"),
        settings=ModelSettings(temperature=0),
    )


def chat(model: OpenAIChatModel) -> Seen:
    return {"text": Agent(model).run_sync(ASKED["hello"]).output}


def stream(model: OpenAIChatModel) -> Seen:
    pieces, _ = asyncio.run(_stream(Agent(model), ASKED["hello"]))
    return {"pieces": pieces}


async def _stream(agent: Agent[None, str], question: str) -> tuple[list[str], list[ModelMessage]]:
    async with agent.run_stream(question) as result:
        pieces = [piece async for piece in result.stream_text(delta=True, debounce_by=None)]
        return pieces, result.all_messages()


def tools(model: OpenAIChatModel) -> Seen:
    result = Agent(model, tools=TOOLS).run_sync(ASKED["weather"])
    return {"calls": calls_in(result.all_messages()), "text": result.output}


def stream_tools(model: OpenAIChatModel) -> Seen:
    pieces, messages = asyncio.run(_stream(Agent(model, tools=TOOLS), ASKED["weather"]))
    return {"calls": calls_in(messages), "text": "".join(pieces)}


def calls_in(messages: list[ModelMessage]) -> list[dict[str, Any]]:
    calls = [c for m in messages if isinstance(m, ModelResponse) for c in m.tool_calls]
    return [{"name": call.tool_name, "arguments": call.args_as_dict()} for call in calls]


def required(model: OpenAIChatModel) -> Seen:
    return _one_request(model, ASKED["hello"], "required")


def named(model: OpenAIChatModel) -> Seen:
    return _one_request(model, ASKED["weather"], ["calculator"])


def parallel(model: OpenAIChatModel) -> Seen:
    return _one_request(model, ASKED["two_cities"], "auto")


def _one_request(model: OpenAIChatModel, question: str, choice: Any) -> Seen:
    response = model_request_sync(
        model,
        [ModelRequest.user_text_prompt(question)],
        model_settings=ModelSettings(tool_choice=choice),
        model_request_parameters=ModelRequestParameters(
            function_tools=[tool.tool_def for tool in TOOLS]
        ),
    )
    return {
        "calls": calls_in([response]),
        "finish": {"tool_call": "tool_calls"}.get(response.finish_reason, response.finish_reason),
        "content": response.text,
    }


def structured(model: OpenAIChatModel) -> Seen:
    return {
        way.__name__: _extract(model, way) for way in (ToolOutput, NativeOutput, PromptedOutput)
    }


def _extract(model: OpenAIChatModel, way: Any) -> dict[str, Any]:
    agent = Agent(model, output_type=way(Person))
    return agent.run_sync(ASKED["person"]).output.model_dump()


def stream_structured(model: OpenAIChatModel) -> Seen:
    return asyncio.run(_stream_person(Agent(model, output_type=NativeOutput(Person))))


async def _stream_person(agent: Agent[None, Person]) -> Seen:
    async with agent.run_stream(ASKED["person"]) as result:
        partial = [person async for person in result.stream_output(debounce_by=None)]
    return {"NativeOutput": partial[-1].model_dump()}


if __name__ == "__main__":
    stage.play(
        connect,
        *(chat, stream, tools, stream_tools, required, named, parallel),
        *(structured, stream_structured),
    )
