"""From what a client sends to the ids of a prompt. Knows templates and tokens, not limits and not sampling."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import msgspec

from penstock.frontend.api.chat_request import ChatRequest
from penstock.frontend.errors import bad_request, unavailable
from penstock.frontend.oversize import check_length
from penstock.frontend.text.chat_template import LIMIT_S, ChatTemplates, Template
from penstock.frontend.text.conversation import Conversation
from penstock.frontend.text.errors import TemplateError, TemplateTimeoutError
from penstock.frontend.text.renderers import Renderers
from penstock.frontend.text.tokenizer import Tokenizer

LONG_CHARS = 8192
"""From here on, encoding would hold up other streams and moves to a thread."""
BRIEF_S = 0.05
"""What a short conversation's template may take of the loop's time before it moves to a thread as well."""
MAX_RENDERERS = 4
"""Templates of requests that are rendered at a time."""
RENDERER_PATIENCE_S = 1.0

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
        self._renderers = Renderers()
        self._render_threads = ThreadPoolExecutor(MAX_RENDERERS, thread_name_prefix="render")
        self._free_renderers = asyncio.Semaphore(MAX_RENDERERS)

    async def texts(
        self,
        texts: Sequence[str],
        add_special_tokens: bool = True,
        max_tokens: int | None = None,
    ) -> list[Prompt]:
        """Many short ones hold up the loop as a long one does.

        Raises ApiError for one whose beginning alone shows that it has more than `max_tokens`.
        """

        def encode_all() -> list[Prompt]:
            return [self._encode(text, add_special_tokens, max_tokens) for text in texts]

        return await self.aside(sum(map(len, texts)), encode_all)

    async def chat(
        self,
        chat: ChatRequest,
        num_bytes: int,
        add_special_tokens: bool = False,
        max_tokens: int | None = None,
    ) -> Prompt:
        """A template writes special tokens itself, so by default none are added.

        `num_bytes` is the body's size: whatever it is made of, a template may look at all of it.
        `max_tokens` as in `texts`.
        """
        if chat.chat_template is not None:
            return await self._chat_in_own_words(
                chat, chat.chat_template, add_special_tokens, max_tokens
            )
        if num_bytes < LONG_CHARS:
            with contextlib.suppress(TemplateTimeoutError):
                text = self._render(chat, limit_s=BRIEF_S)
                return self._encode(text, add_special_tokens, max_tokens)

        def render_and_encode() -> Prompt:
            return self._encode(self._render(chat), add_special_tokens, max_tokens)

        return await self._in_thread(self._threads, render_and_encode)

    async def aside(self, num_chars: int, work: Callable[[], T]) -> T:
        """Work on so much text: in a thread where it would hold up other streams."""
        return work() if num_chars < LONG_CHARS else await self._in_thread(self._threads, work)

    def close(self) -> None:
        for threads in (self._threads, self._render_threads):
            threads.shutdown(wait=False, cancel_futures=True)
        self._renderers.close()

    async def _chat_in_own_words(
        self, chat: ChatRequest, source: str, add_special_tokens: bool, max_tokens: int | None
    ) -> Prompt:
        """Where the request's template may be rendered at all, others' must not wait for it."""
        if not self._trusts_templates:
            raise bad_request(
                "Chat template is passed with request, but --trust-request-chat-template is not set.",
                "chat_template",
            )
        template = self._renderers.template(source)

        def render_and_encode() -> Prompt:
            return self._encode(self._render(chat, template), add_special_tokens, max_tokens)

        async with self._renderer():
            try:
                return await self._in_thread(self._render_threads, render_and_encode)
            except TemplateError as error:
                raise bad_request(str(error), "chat_template") from error

    @contextlib.asynccontextmanager
    async def _renderer(self) -> AsyncIterator[None]:
        """A place among those that render at a time. Raises ApiError where none comes free soon."""
        try:
            async with asyncio.timeout(RENDERER_PATIENCE_S):
                await self._free_renderers.acquire()
        except TimeoutError:
            raise unavailable("Too many chat templates of requests are being rendered.") from None
        try:
            yield
        finally:
            self._free_renderers.release()

    def _encode(self, text: str, add_special_tokens: bool, max_tokens: int | None) -> Prompt:
        if max_tokens is not None:
            check_length(text, max_tokens, self.tokenizer.encode)
        return Prompt(self.tokenizer.encode(text, add_special_tokens), text)

    async def _in_thread(self, threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(threads, work)

    def _render(
        self, chat: ChatRequest, template: Template | None = None, limit_s: float = LIMIT_S
    ) -> str:
        return self._templates.render(_conversation(chat), template=template, limit_s=limit_s)


def _conversation(chat: ChatRequest) -> Conversation:
    continues, adds = bool(chat.continue_final_message), chat.add_generation_prompt
    return Conversation(
        messages=chat.messages,
        tools=None if chat.tool_choice == "none" else chat.tools,
        documents=chat.documents,
        add_generation_prompt=not continues if adds is None else adds,
        continue_final_message=continues,
        variables=_template_kwargs(chat),
    )


def _template_kwargs(chat: ChatRequest) -> dict[str, Any]:
    kwargs: dict[str, Any] = {}
    if chat.reasoning_effort is not None:
        kwargs["reasoning_effort"] = chat.reasoning_effort
        kwargs["enable_thinking"] = chat.reasoning_effort != "none"
    return kwargs | (chat.chat_template_kwargs or {})
