"""The stage on which a conversation is made up: dice, language, held-out side. Knows no subject."""

import random
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from . import thoughts
from .chat import Chat, Message

T = TypeVar("T")
HELD_PERCENT = 15
SYSTEMS = {
    False: (
        "You are a helpful assistant.", "You are a helpful assistant.", "You are a friendly assistant.",
        "You are brook.", "Answer briefly.", "Be brief and kind.", "You are a helpful AI assistant.",
        "You are brook, a small language model. Answer in short sentences.",
    ),
    True: (
        "你是一个有用的助手。", "你是一个乐于助人的助手。", "你是 brook，一个小语言模型。", "请用中文回答。",
        "请简短回答。", "You are a helpful assistant.", "你是一个友好的 AI 助手。",
    ),
}  # fmt: skip


def is_held(key: str) -> bool:
    """Whether a thing (a name, a pair of numbers…) is kept for evaluation; the same in every run."""
    return zlib.crc32(key.encode()) % 100 < HELD_PERCENT


@dataclass
class Scene:
    """What the generators share while they make up one conversation."""

    rng: random.Random
    zh: bool
    held: bool
    name: str = ""
    thinks: bool = False
    messages: list[Message] = field(default_factory=list)

    def one(self, options: Sequence[T]) -> T:
        return self.rng.choice(options)

    def say(self, en: Sequence[str], zh: Sequence[str]) -> str:
        """One of the phrases in the scene's language."""
        return self.rng.choice(zh if self.zh else en)

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def fresh(self, make: Callable[[], T], key: Callable[[T], str] = str) -> T:
        """A thing from the side (training or held out) that this scene belongs to."""
        while True:
            thing = make()
            if is_held(key(thing)) == self.held:
                return thing

    def turn(self, user: str, assistant: str, thought: str = "") -> None:
        """Add a question and its answer."""
        self.messages.append({"role": "user", "content": user})
        self.answer(assistant, thought)

    def answer(self, content: str, thought: str = "", calls: Sequence[Message] = ()) -> None:
        """Add brook's answer, after the thought where this scene's brook thinks."""
        message: Message = {"role": "assistant", "content": content}
        if calls:
            message["tool_calls"] = list(calls)
        self.messages.append(message)
        self.rethink(thought or thoughts.plain(self.zh))

    def rethink(self, thought: str) -> None:
        """Give the last answer another thought, where this scene's brook thinks."""
        if self.thinks:
            self.messages[-1]["reasoning_content"] = thought

    def opening(self, share: float = 0.5) -> None:
        """Perhaps start with a system message of the usual sort."""
        if self.chance(share):
            self.messages.append({"role": "system", "content": self.one(SYSTEMS[self.zh])})

    def done(self, kind: str, **expect: object) -> Chat:
        return Chat(kind, self.messages, expect=dict(expect))


def loosely(scene: Scene, text: str) -> str:
    """The same words as a hurried person types them: lower case, or no mark at the end."""
    if scene.chance(0.15):
        text = text.rstrip(".!?。！？")
    if not scene.zh and scene.chance(0.1):
        text = text[:1].lower() + text[1:]
    return text
