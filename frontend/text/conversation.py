"""What a chat template is shown. Knows no template and no tokens."""

from typing import Any

import msgspec


class Conversation(msgspec.Struct, frozen=True):
    """As transformers' apply_chat_template takes it."""

    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]] | None = None
    documents: list[dict[str, Any]] | None = None
    add_generation_prompt: bool = True
    continue_final_message: bool = False
    variables: dict[str, Any] = {}
    """The request's chat_template_kwargs, and special tokens once they have joined them."""
