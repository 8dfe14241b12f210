"""A request for a response, as the chat request that comes to the same. Knows both spellings, not what they do."""

from typing import Any

import msgspec

from penstock.frontend.api.chat_request import ChatRequest
from penstock.frontend.api.fields import SamplingFields
from penstock.frontend.errors import ApiError, bad_request
from penstock.frontend.responses.items import messages
from penstock.frontend.responses.request import Item, ResponsesRequest
from penstock.frontend.responses.tools import chat_choice, chat_tool
from penstock.frontend.structured.fields import JsonSchemaFormat, ResponseFormat

_SAME = (
    *(
        name
        for name in SamplingFields.__struct_fields__
        if name not in ("max_tokens", "response_format")
    ),
    "model",
    "user",
    "stream",
    "include_reasoning",
    "thinking_token_budget",
    "parallel_tool_calls",
    "chat_template",
    "chat_template_kwargs",
    "include_stop_str_in_output",
    "skip_special_tokens",
    "repetition_detection",
    "priority",
    "cache_salt",
    "request_id",
    "timeout",
)
_NAMES = {
    "messages": "input",
    "max_completion_tokens": "max_output_tokens",
    "reasoning_effort": "reasoning",
    "response_format": "text",
    "logprobs": "top_logprobs",
}
"""What errors of chat call what here has another name."""
_WORDS = {
    "response_format.json_schema": "text.format",
    "response_format": "text.format",
    "max_completion_tokens": "max_output_tokens",
    "messages[": "messages of input[",
    "].function.": "].",
}


def to_chat(body: ResponsesRequest, items: list[Item]) -> ChatRequest:
    """`items` are the whole conversation's. Raises ApiError 400."""
    same = {name: getattr(body, name) for name in _SAME}
    tools, choice = _tools(body)
    return ChatRequest(
        **same,
        messages=messages(body.instructions, items),
        max_completion_tokens=body.max_output_tokens,
        response_format=_format(body.text),
        reasoning_effort=_effort(body.reasoning),
        logprobs=True if body.shows_logprobs else None,
        top_logprobs=body.top_logprobs or None,
        tools=tools,
        tool_choice=choice,
        truncate_prompt_tokens=-1 if body.truncation == "auto" else None,
    )


def _tools(body: ResponsesRequest) -> tuple[list[dict[str, Any]] | None, Any]:
    """The tools and the choice among them."""
    choice = chat_choice(body.tool_choice)
    if not body.tools:
        return None, None if choice == "auto" else choice
    return [chat_tool(tool) for tool in body.tools], choice


def in_own_words(error: ApiError) -> ApiError:
    """An error of chat's, with the names that this API has."""
    message = str(error)
    for theirs, ours in _WORDS.items():
        if theirs in message:
            message = message.replace(theirs, ours)
            break
    param = error.param and _NAMES.get(error.param, error.param)
    return ApiError(error.status, message, param, error.headers)


def _format(text: dict[str, Any] | None) -> ResponseFormat | None:
    given = (text or {}).get("format")
    if given is None:
        return None
    kind = given.get("type") if isinstance(given, dict) else None
    if kind not in ("text", "json_object", "json_schema"):
        raise bad_request(
            "text.format.type must be one of text, json_object, json_schema.", "text", kind
        )
    if kind != "json_schema":
        return ResponseFormat(kind)
    if "schema" not in given:
        raise bad_request("text.format.schema is required.", "text")
    schema = msgspec.Raw(msgspec.json.encode(given["schema"]))
    return ResponseFormat(kind, JsonSchemaFormat(schema=schema))


def _effort(reasoning: dict[str, Any] | None) -> str | None:
    effort = (reasoning or {}).get("effort")
    if effort is not None and not isinstance(effort, str):
        raise bad_request("reasoning.effort is a text.", "reasoning")
    return effort
