"""What may take long is rendered and encoded in a thread, wherever in the body its length lies."""

import asyncio
import threading
from typing import Any

import pytest

from penstock.frontend.api.chat_request import ChatRequest
from penstock.frontend.encoding import LONG_CHARS, Encoder

LOOP = threading.main_thread().name


class Spy:
    """Stands for templates and tokenizer alike; remembers which threads called it."""

    def __init__(self) -> None:
        self.threads: set[str] = set()

    def render(self, messages: Any, **others: Any) -> str:
        self.threads.add(threading.current_thread().name)
        return "prompt"

    def encode(self, text: str, add_special_tokens: bool) -> list[int]:
        self.threads.add(threading.current_thread().name)
        return [1]


def threads_of(num_bytes: int, **fields: Any) -> set[str]:
    spy: Any = Spy()
    encoder = Encoder(spy, spy, trusts_templates=True)
    chat = ChatRequest(messages=[{"role": "user", "content": "Hi"}], **fields)
    asyncio.run(encoder.chat(chat, num_bytes))
    encoder.close()
    return spy.threads


def test_a_short_body_is_rendered_at_once() -> None:
    assert threads_of(LONG_CHARS - 1) == {LOOP}


def test_a_long_one_is_not_whatever_it_is_made_of() -> None:
    assert LOOP not in threads_of(LONG_CHARS)


def test_a_template_of_a_request_is_not_even_compiled_on_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiling: set[str] = set()
    monkeypatch.setattr(
        "penstock.frontend.encoding.ChatTemplate",
        lambda source: compiling.add(threading.current_thread().name),
    )
    assert LOOP not in threads_of(100, chat_template="{{ 1 }}")
    assert compiling
    assert LOOP not in compiling
