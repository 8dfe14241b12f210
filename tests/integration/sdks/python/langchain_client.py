"""LangChain: ChatOpenAI, its agent, and each of its ways to structured output."""

from typing import Any

import stage
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_openai import ChatOpenAI
from pydantic import BaseModel
from stage import ASKED, Seen

TOOLS = [stage.get_weather, stage.calculator]


class Person(BaseModel):
    """What is known of a person."""

    name: str
    age: int
    city: str


def connect(base_url: str) -> ChatOpenAI:
    return ChatOpenAI(
        model=ASKED["model"], base_url=base_url, api_key="none", temperature=0, max_retries=0
    )


def chat(llm: ChatOpenAI) -> Seen:
    answer = llm.invoke(ASKED["hello"])
    return {"text": answer.content, "finish": answer.response_metadata["finish_reason"]}


def stream(llm: ChatOpenAI) -> Seen:
    return {"pieces": [chunk.content for chunk in llm.stream(ASKED["hello"]) if chunk.content]}


def tools(llm: ChatOpenAI) -> Seen:
    agent = create_agent(llm, TOOLS)
    said = agent.invoke({"messages": [("user", ASKED["weather"])]})["messages"]
    asked = next(message for message in said if isinstance(message, AIMessage))
    return {**called(asked), "text": said[-1].content}


def stream_tools(llm: ChatOpenAI) -> Seen:
    agent = create_agent(llm, TOOLS)
    turns: dict[str, AIMessageChunk] = {}
    asked = {"messages": [("user", ASKED["weather"])]}
    for chunk, _ in agent.stream(asked, stream_mode="messages"):
        if isinstance(chunk, AIMessageChunk):
            turns[chunk.id] = turns[chunk.id] + chunk if chunk.id in turns else chunk
    first, last = turns.values()
    return {**called(first), "text": last.content}


def called(message: AIMessage) -> Seen:
    calls = [{"name": call["name"], "arguments": call["args"]} for call in message.tool_calls]
    return {
        "calls": calls,
        "finish": message.response_metadata["finish_reason"],
        "content": message.content,
    }


def required(llm: ChatOpenAI) -> Seen:
    return called(llm.bind_tools(TOOLS, tool_choice="any").invoke(ASKED["hello"]))


def named(llm: ChatOpenAI) -> Seen:
    return called(llm.bind_tools(TOOLS, tool_choice="calculator").invoke(ASKED["weather"]))


def parallel(llm: ChatOpenAI) -> Seen:
    return called(llm.bind_tools(TOOLS).invoke(ASKED["two_cities"]))


def structured(llm: ChatOpenAI) -> Seen:
    return {method: _extract(llm, method) for method in _METHODS}


_METHODS = ("json_schema", "function_calling", "json_mode")


def _extract(llm: ChatOpenAI, method: Any) -> dict[str, Any]:
    return llm.with_structured_output(Person, method=method).invoke(ASKED["person"]).model_dump()


def stream_structured(llm: ChatOpenAI) -> Seen:
    *_, last = llm.with_structured_output(Person, method="json_schema").stream(ASKED["person"])
    return {"json_schema": last.model_dump()}


if __name__ == "__main__":
    stage.play(
        connect,
        *(chat, stream, tools, stream_tools, required, named, parallel),
        *(structured, stream_structured),
    )
