"""From what a client sends to the ids of a prompt. Knows templates and tokens, not limits and not sampling."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import msgspec

from penstock.frontend.api.chat_request import ChatRequest
from penstock.frontend.errors import bad_request
from penstock.frontend.text.chat_template import ChatTemplate, ChatTemplates
from penstock.frontend.text.tokenizer import Tokenizer

LONG_CHARS = 8192
"""From here on, encoding would hold up other streams and moves to a thread."""

T = TypeVar("T")


class Prompt(msgspec.Struct, frozen=True, gc=False):
    """The ids of one prompt, and its text where the client gave or the template made one."""

    ids: list[int]
    text: str | None = None


class Encoder:
    """Encodes prompts of one model; long ones in threads of its own."""

    def __init__(
        self, tokenizer: Tokenizer, templates: ChatTemplates, trusts_templates: bool = False
    ) -> None:
        self.tokenizer = tokenizer
        self._templates = templates
        self._trusts_templates = trusts_templates
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="encode")

    async def texts(self, texts: Sequence[str], add_special_tokens: bool = True) -> list[Prompt]:
        """Many short ones hold up the loop as a long one does."""
        encode = self.tokenizer.encode

        def encode_all() -> list[Prompt]:
            return [Prompt(encode(text, add_special_tokens), text) for text in texts]

        return await self._run(sum(map(len, texts)), encode_all)

    async def chat(
        self, chat: ChatRequest, num_bytes: int, add_special_tokens: bool = False
    ) -> Prompt:
        """A template writes special tokens itself, so by default none are added.

        `num_bytes` is the body's size: whatever it is made of, a template may look at all of it.
        """

        def render_and_encode() -> Prompt:
            text = self._render(chat, self._own_template(chat))
            return Prompt(self.tokenizer.encode(text, add_special_tokens), text)

        size = num_bytes if chat.chat_template is None else LONG_CHARS
        return await self._run(size, render_and_encode)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, size: int, work: Callable[[], T]) -> T:
        if size < LONG_CHARS:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _own_template(self, chat: ChatRequest) -> ChatTemplate | None:
        if chat.chat_template is None:
            return None
        if not self._trusts_templates:
            raise bad_request(
                "Chat template is passed with request, but --trust-request-chat-template is not set.",
                "chat_template",
            )
        return ChatTemplate(chat.chat_template)

    def _render(self, chat: ChatRequest, template: ChatTemplate | None) -> str:
        continues = bool(chat.continue_final_message)
        adds = chat.add_generation_prompt
        return self._templates.render(
            chat.messages,
            template=template,
            tools=None if chat.tool_choice == "none" else chat.tools,
            documents=chat.documents,
            add_generation_prompt=not continues if adds is None else adds,
            continue_final_message=continues,
            kwargs=_template_kwargs(chat),
        )


def _template_kwargs(chat: ChatRequest) -> dict[str, Any]:
    kwargs: dict[str, Any] = {}
    if chat.reasoning_effort is not None:
        kwargs["reasoning_effort"] = chat.reasoning_effort
        kwargs["enable_thinking"] = chat.reasoning_effort != "none"
    return kwargs | (chat.chat_template_kwargs or {})
