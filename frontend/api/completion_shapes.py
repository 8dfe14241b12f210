"""The answers of completions, whole and in chunks. Knows JSON shapes alone."""

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from penstock.frontend.api.chat_shapes import PromptLogprobs, StopReason
from penstock.frontend.api.shapes import Usage
from penstock.frontend.text.logprobs import CompletionLogprobs


class CompletionChoice(msgspec.Struct, kw_only=True):
    """Of an answer and of a chunk alike."""

    index: int
    text: str
    logprobs: CompletionLogprobs | None = None
    finish_reason: str | None = None
    stop_reason: StopReason | UnsetType = UNSET
    token_ids: list[int] | UnsetType = UNSET
    prompt_token_ids: list[int] | UnsetType = UNSET
    prompt_text: str | UnsetType = UNSET
    prompt_logprobs: PromptLogprobs | UnsetType = UNSET


class CompletionAnswer(msgspec.Struct, kw_only=True):
    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: Usage | UnsetType = UNSET
