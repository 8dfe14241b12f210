"""LlamaIndex: OpenAILike, its function agent, and structured prediction by schema and by tool."""

import asyncio
from collections.abc import Sequence
from typing import Any

import stage
from llama_index.core.agent.workflow import AgentOutput, AgentStream, FunctionAgent, ToolCallResult
from llama_index.core.llms import ChatMessage, ChatResponse
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai_like import OpenAILike
from pydantic import BaseModel
from stage import ASKED, Seen

TOOLS = [
    FunctionTool.from_defaults(function, description=function.__doc__)
    for function in (stage.get_weather, stage.calculator)
]


class Person(BaseModel):
    """What is known of a person."""

    name: str
    age: int
    city: str


def connect(base_url: str) -> OpenAILike:
    return OpenAILike(
        model=ASKED["model"],
        api_base=base_url,
        api_key="none",
        context_window=2048,
        is_chat_model=True,
        is_function_calling_model=True,
        temperature=0,
        max_retries=0,
    )


def user(text: str) -> list[ChatMessage]:
    return [ChatMessage(role="user", content=text)]


def chat(llm: OpenAILike) -> Seen:
    return {"text": llm.chat(user(ASKED["hello"])).message.content}


def stream(llm: OpenAILike) -> Seen:
    chunks = llm.stream_chat(user(ASKED["hello"]))
    return {"pieces": [chunk.delta for chunk in chunks if chunk.delta]}


def tools(llm: OpenAILike) -> Seen:
    agent = FunctionAgent(tools=TOOLS, llm=llm, streaming=False)
    return asyncio.run(_run(agent))


def stream_tools(llm: OpenAILike) -> Seen:
    return asyncio.run(_run(FunctionAgent(tools=TOOLS, llm=llm, streaming=True)))


async def _run(agent: FunctionAgent) -> Seen:
    handler = agent.run(ASKED["weather"])
    events = [event async for event in handler.stream_events()]
    output: AgentOutput = await handler
    made = [event for event in events if isinstance(event, ToolCallResult)]
    return {
        "calls": [{"name": e.tool_name, "arguments": e.tool_kwargs} for e in made],
        "pieces": [e.delta for e in events if isinstance(e, AgentStream) and e.delta],
        "text": output.response.content,
    }


def called(llm: OpenAILike, response: ChatResponse) -> Seen:
    calls: Sequence[Any] = llm.get_tool_calls_from_response(response)
    return {
        "calls": [{"name": c.tool_name, "arguments": c.tool_kwargs} for c in calls],
        "content": response.message.content,
    }


def required(llm: OpenAILike) -> Seen:
    return called(llm, llm.chat_with_tools(TOOLS, ASKED["hello"], tool_required=True))


def named(llm: OpenAILike) -> Seen:
    return called(llm, llm.chat_with_tools(TOOLS, ASKED["weather"], tool_choice="calculator"))


def parallel(llm: OpenAILike) -> Seen:
    return called(
        llm, llm.chat_with_tools(TOOLS, ASKED["two_cities"], allow_parallel_tool_calls=True)
    )


def structured(llm: OpenAILike) -> Seen:
    asked = PromptTemplate(ASKED["person"])
    by_tool = llm.structured_predict(Person, asked)
    llm.should_use_structured_outputs = True
    by_schema = llm.structured_predict(Person, asked)
    return {"tool": by_tool.model_dump(), "schema": by_schema.model_dump()}


def stream_structured(llm: OpenAILike) -> Seen:
    llm.should_use_structured_outputs = True
    *_, last = llm.stream_structured_predict(Person, PromptTemplate(ASKED["person"]))
    return {"schema": last.model_dump()}


if __name__ == "__main__":
    stage.play(
        connect,
        *(chat, stream, tools, stream_tools, required, named, parallel),
        *(structured, stream_structured),
    )
