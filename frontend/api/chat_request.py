"""The body of POST /v1/chat/completions. Knows its types; bounds are checked where they matter."""

from typing import Annotated, Any

from msgspec import Meta

from penstock.frontend.api.fields import SharedFields
from penstock.frontend.errors import bad_request
from penstock.frontend.params import Wanted
from penstock.frontend.text.chat_messages import TEXT_OF_PART

Message = dict[str, Any]
"""Left open: models' templates read keys of their own (`reasoning`, `tool_calls`, `name`, ...)."""
_TEXT = {"type": "string"}
Said = Annotated[
    Message,
    Meta(
        description="What somebody says; templates may read further keys.",
        extra_json_schema={
            "required": ["role"],
            "additionalProperties": True,
            "properties": {
                "role": _TEXT,
                "content": {
                    "anyOf": [
                        _TEXT,
                        {"type": "array", "items": {"anyOf": [_TEXT, {"type": "object"}]}},
                        {"type": "null"},
                    ]
                },
            },
        },
    ),
]
"""What is checked of it, in a schema's words: `check_conversation`."""
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


class ChatRequest(SharedFields, kw_only=True):
    messages: list[Said]
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    include_reasoning: bool | None = None
    thinking_token_budget: int | None = None
    documents: list[dict[str, Any]] | None = None
    chat_template: str | None = None
    chat_template_kwargs: dict[str, Any] | None = None
    reasoning_effort: str | None = None
    add_generation_prompt: bool | None = None
    continue_final_message: bool | None = None
    max_completion_tokens: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    return_prompt_text: bool | None = None


def check_conversation(request: ChatRequest) -> None:
    """Refuses what no template can render."""
    if not request.messages:
        raise bad_request(
            "Cannot apply chat template to an empty conversation. Provide at least one message.",
            "messages",
        )
    for index, message in enumerate(request.messages):
        _check_message(index, message)
    if request.continue_final_message and request.add_generation_prompt:
        raise bad_request(
            "Cannot set both `continue_final_message` and `add_generation_prompt` to True.",
            "continue_final_message",
        )
    _check_effort(request.reasoning_effort)


def _check_message(index: int, message: Message) -> None:
    if not isinstance(message.get("role"), str):
        raise bad_request(f"messages[{index}].role: a string is required", "messages")
    content = message.get("content")
    if content is None or isinstance(content, str):
        return
    if not isinstance(content, list):
        raise bad_request(
            f"messages[{index}].content: expected a string or a list of parts", "messages"
        )
    for number, part in enumerate(content):
        if not isinstance(part, str):
            _check_part(f"messages[{index}].content[{number}]", part)


def _check_part(place: str, part: Any) -> None:
    kind = part.get("type", "text") if isinstance(part, dict) else None
    if not isinstance(kind, str):
        raise bad_request(f"{place}: expected an object with a type", "messages")
    if kind not in TEXT_OF_PART:
        raise bad_request(
            f"{place}: parts of type {kind!r} are not supported: this is not a multimodal model",
            "messages",
        )
    if not isinstance(part.get(TEXT_OF_PART[kind]), str):
        raise bad_request(f"{place}: a part of type {kind!r} needs its text", "messages")


def _check_effort(effort: str | None) -> None:
    if effort is not None and effort not in _EFFORTS:
        raise bad_request(
            f"reasoning_effort must be one of {', '.join(_EFFORTS)}.", "reasoning_effort", effort
        )


def wanted(request: ChatRequest) -> Wanted:
    """How much output, and which log probabilities."""
    name, asked = "max_completion_tokens", request.max_completion_tokens
    if asked is None:
        name, asked = "max_tokens", request.max_tokens
    return Wanted(
        max_tokens=asked,
        max_tokens_name=name,
        logprobs=_num_logprobs(request),
        logprobs_name="top_logprobs",
        prompt_logprobs=request.prompt_logprobs,
    )


def _num_logprobs(request: ChatRequest) -> int | None:
    if not request.logprobs:
        if request.top_logprobs:
            raise bad_request(
                "when using `top_logprobs`, `logprobs` must be set to true.", "top_logprobs"
            )
        return None
    return request.top_logprobs or 0
