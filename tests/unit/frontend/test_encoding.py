"""What may take long is rendered and encoded in a thread, wherever in the body its length lies."""

import asyncio
import threading
import time
from typing import Any, cast

import pytest

from penstock.frontend.api.chat_request import ChatRequest
from penstock.frontend.encoding import BRIEF_S, LONG_CHARS, MAX_RENDERERS, Encoder
from penstock.frontend.errors import ApiError
from penstock.frontend.text.chat_template import LIMIT_S, ChatTemplate, ChatTemplates
from penstock.frontend.text.conversation import Conversation
from penstock.frontend.text.errors import TemplateTimeoutError

LOOP = threading.main_thread().name
USER = {"role": "user", "content": "Hi"}


class Spy:
    """Stands for templates and tokenizer alike; remembers which threads called it."""

    def __init__(self) -> None:
        self.threads: set[str] = set()

    def render(self, conversation: Conversation, **others: Any) -> str:
        self.threads.add(threading.current_thread().name)
        return "prompt"

    def encode(self, text: str, add_special_tokens: bool) -> list[int]:
        self.threads.add(threading.current_thread().name)
        return [1]


def threads_of(num_bytes: int, **fields: Any) -> set[str]:
    spy: Any = Spy()
    encoder = Encoder(spy, spy, trusts_templates=True)
    chat = ChatRequest(messages=[USER], **fields)
    asyncio.run(encoder.chat(chat, num_bytes))
    encoder.close()
    return spy.threads


def test_a_short_body_is_rendered_at_once() -> None:
    assert threads_of(LONG_CHARS - 1) == {LOOP}


def test_a_long_one_is_not_whatever_it_is_made_of() -> None:
    assert LOOP not in threads_of(LONG_CHARS)


@pytest.mark.parametrize("num_chars", [LONG_CHARS - 1, LONG_CHARS])
def test_other_work_on_long_text_is_done_aside_too(num_chars: int) -> None:
    spy: Any = Spy()
    encoder = Encoder(spy, spy)
    asyncio.run(encoder.aside(num_chars, lambda: spy.render(Conversation([]))))
    encoder.close()
    assert (spy.threads == {LOOP}) == (num_chars < LONG_CHARS)


def test_a_template_of_a_request_is_neither_compiled_nor_rendered_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiling: list[str] = []
    monkeypatch.setattr(ChatTemplate, "__init__", lambda self, source: compiling.append(source))
    templates, spy = ChatTemplates({}), Spy()
    encoder = Encoder(cast(Any, spy), templates, trusts_templates=True)
    chat = ChatRequest(messages=[USER], chat_template="[{{ messages[0].content }}]")
    prompt = asyncio.run(encoder.chat(chat, 100))
    encoder.close()
    assert prompt.text == "[Hi]"
    assert LOOP not in spy.threads
    assert not compiling


def test_a_template_that_takes_its_time_moves_from_the_loop_to_a_thread() -> None:
    """Short as the conversation is; other streams wait no longer than for a short one."""
    slow = "{% for i in range(9999) %}{% for j in range(60) %}{% endfor %}{% endfor %}x"
    templates, spy = ChatTemplates({"default": slow}), Spy()
    encoder = Encoder(cast(Any, spy), templates)

    async def longest_pause_s() -> float:
        pauses = []
        task = asyncio.create_task(encoder.chat(ChatRequest(messages=[USER]), 100))
        while not task.done():
            before = time.thread_time()
            await asyncio.sleep(0)
            pauses.append(time.thread_time() - before)
        return max(pauses)

    assert asyncio.run(longest_pause_s()) < 3 * BRIEF_S
    assert LOOP not in spy.threads
    encoder.close()


def test_a_template_that_never_ends_is_refused_in_time() -> None:
    endless = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
    encoder = Encoder(cast(Any, Spy()), ChatTemplates({"default": endless}))
    begun = time.process_time()
    with pytest.raises(TemplateTimeoutError, match="line 1"):
        asyncio.run(encoder.chat(ChatRequest(messages=[USER]), 100))
    assert time.process_time() - begun < 2 * LIMIT_S
    encoder.close()


def test_templates_of_requests_wait_for_one_another_but_not_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("penstock.frontend.encoding.RENDERER_PATIENCE_S", 0.01)
    encoder = Encoder(cast(Any, Spy()), ChatTemplates({}), trusts_templates=True)
    endless = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
    chat = ChatRequest(messages=[USER], chat_template=endless)

    async def all_at_once() -> list[Any]:
        asked = (encoder.chat(chat, 100) for _ in range(MAX_RENDERERS + 2))
        return await asyncio.gather(*asked, return_exceptions=True)

    outcomes = asyncio.run(all_at_once())
    encoder.close()
    assert all(isinstance(error, ApiError) for error in outcomes)
    assert sorted(error.status for error in outcomes) == [*([400] * MAX_RENDERERS), 503, 503]
