"""The body of POST /v1/responses. Knows its types, and refuses what cannot be served; bounds are checked later."""

from typing import Any

import msgspec

from penstock.frontend.api.fields import RepetitionDetection, SamplingFields
from penstock.frontend.errors import bad_request
from penstock.frontend.responses.tools import own_choice, own_tools

Item = dict[str, Any]
"""Left open: what clients send back holds keys that only the one who wrote them knows."""
MAX_METADATA = 16
MAX_KEY_CHARS, MAX_VALUE_CHARS = 64, 512
LOGPROBS = "message.output_text.logprobs"
_CHATS = {
    "max_tokens": "ask for max_output_tokens",
    "response_format": "ask for text.format",
    "prompt_logprobs": "the answer has no place for them; /v1/chat/completions has",
}
"""What is asked for otherwise here. Left out without a word, an answer would be longer or freer than was wished."""


class ResponsesRequest(SamplingFields, kw_only=True):
    model: str | None = None
    input: str | list[Item] | None = None
    prompt: str | dict[str, Any] | None = None
    """A text is input in the words of older guides; an object names a template kept by OpenAI."""
    instructions: str | list[Item] | None = None
    previous_response_id: str | None = None
    conversation: Any = None
    max_output_tokens: int | None = None
    max_tool_calls: int | None = None
    metadata: dict[str, Any] | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    text: dict[str, Any] | None = None
    reasoning: dict[str, Any] | None = None
    include_reasoning: bool | None = None
    thinking_token_budget: int | None = None
    include: list[str] | None = None
    top_logprobs: int | None = None
    truncation: str | None = None
    store: bool | None = None
    background: bool | None = None
    stream: bool | None = None
    stream_options: dict[str, Any] | None = None
    service_tier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    safety_identifier: str | None = None
    user: str | None = None
    chat_template: str | None = None
    chat_template_kwargs: dict[str, Any] | None = None
    include_stop_str_in_output: bool | None = None
    skip_special_tokens: bool | None = None
    repetition_detection: RepetitionDetection | None = None
    priority: int | None = None
    cache_salt: str | None = None
    request_id: str | None = None
    timeout: float | None = None

    @property
    def is_stored(self) -> bool:
        return self.store is not False

    @property
    def is_background(self) -> bool:
        return bool(self.background)

    @property
    def shows_logprobs(self) -> bool:
        return bool(self.top_logprobs) or LOGPROBS in (self.include or ())


def checked(body: ResponsesRequest) -> ResponsesRequest:
    """With `input` set, and tools in this API's spelling. Raises ApiError 400."""
    _check_references(body)
    _refuse_chats(body)
    _check_metadata(body.metadata or {})
    if body.is_background and not body.is_stored:
        raise bad_request("background needs the response to be stored; leave store out.", "store")
    if body.truncation not in (None, "auto", "disabled"):
        raise bad_request("truncation must be 'auto' or 'disabled'.", "truncation", body.truncation)
    return msgspec.structs.replace(
        body,
        input=_input(body),
        prompt=None,
        tools=own_tools(body.tools),
        tool_choice=own_choice(body.tool_choice),
    )


def _input(body: ResponsesRequest) -> str | list[Item]:
    if isinstance(body.prompt, dict) or (body.prompt is not None and body.input is not None):
        raise bad_request("prompt template is not supported (parameter=prompt)", "prompt")
    given = body.input if body.prompt is None else body.prompt
    if given is None:
        raise bad_request("input: this field is required", "input")
    if not given:
        raise bad_request("input must not be empty.", "input")
    return given


def _refuse_chats(body: ResponsesRequest) -> None:
    for name, instead in _CHATS.items():
        if getattr(body, name) is not None:
            raise bad_request(f"{name} is not a parameter of /v1/responses: {instead}.", name)


def _check_references(body: ResponsesRequest) -> None:
    if body.conversation is not None:
        raise bad_request(
            "Conversations are not supported; use previous_response_id.", "conversation"
        )


def _check_metadata(metadata: dict[str, Any]) -> None:
    if len(metadata) > MAX_METADATA:
        raise bad_request(f"metadata holds at most {MAX_METADATA} pairs.", "metadata")
    for key, value in metadata.items():
        if not isinstance(value, str) or len(value) > MAX_VALUE_CHARS or len(key) > MAX_KEY_CHARS:
            raise bad_request(
                f"metadata: keys of at most {MAX_KEY_CHARS} characters, "
                f"texts of at most {MAX_VALUE_CHARS}.",
                "metadata",
            )
