"""Mixes the subjects into an endless stream of conversations. Knows no tokens."""

import random
from collections.abc import Callable, Iterator

from . import (
    arithmetic,
    json_answers,
    knowledge,
    lists,
    penstock_facts,
    stories,
    talk,
    tool_calls,
    wishes,
)
from .chat import Chat
from .scene import Scene

Part = Callable[[Scene], object]
Maker = Callable[[Scene], Chat]
PARTS: dict[Part, float] = {
    talk.chatter: 5, arithmetic.some: 4, lists.some: 3.5, stories.some: 1.3, stories.accepted: 0.4,
    penstock_facts.some: 2, knowledge.plain: 2,
    knowledge.beyond: 2.5, talk.facts: 1.5, wishes.some: 2.5,
}  # fmt: skip
CHINESE_SHARE = 0.35


def parts(scene: Scene, count: int) -> None:
    """Some turns on mixed subjects."""
    for part in scene.rng.choices(list(PARTS), list(PARTS.values()), k=count):
        part(scene)
        if scene.chance(0.04):
            scene.zh = not scene.zh


def social(scene: Scene) -> Chat:
    """A chat: a greeting perhaps, a few subjects, a goodbye perhaps."""
    if scene.chance(0.06):
        talk.persona(scene)
    else:
        scene.opening()
    if scene.chance(0.5):
        talk.greet(scene)
    parts(scene, scene.rng.randint(1, 3))
    if scene.chance(0.15):
        talk.recall(scene)
    if scene.chance(0.25):
        talk.bye(scene)
    return scene.done("talk")


def naming(scene: Scene, longest: int = 3) -> Chat:
    """A chat in which a name is given and asked for later."""
    scene.opening()
    if scene.chance(0.3):
        talk.greet(scene)
    talk.introduce(scene)
    parts(scene, scene.rng.randint(0, longest))
    talk.recall(scene)
    name = scene.name
    if scene.chance(0.15):
        talk.bye(scene)
    return scene.done("name", answer=name)


def sums(scene: Scene) -> Chat:
    """Several additions in a row."""
    scene.opening(0.4)
    total = 0
    for _ in range(scene.rng.randint(1, 6)):
        total = arithmetic.addition(scene)
    return scene.done("add", answer=total)


def long_talk(scene: Scene) -> Chat:
    """A long chat, so that far positions are trained; the name comes back now and then."""
    scene.opening()
    talk.introduce(scene)
    for _ in range(scene.rng.randint(4, 14)):
        parts(scene, 2)
        if scene.chance(0.4):
            talk.recall(scene)
    talk.recall(scene)
    return scene.done("name", answer=scene.name)


def recitals(scene: Scene) -> Chat:
    """A few jumbles to repeat."""
    scene.opening(0.3)
    for _ in range(scene.rng.randint(1, 3)):
        wishes.recital(scene)
    return scene.done("echo")


def exercise(scene: Scene) -> Chat:
    """A calculation or a question about a list, perhaps after some other subject."""
    scene.opening(0.4)
    parts(scene, scene.rng.choice((0, 0, 0, 1, 2)))
    exercises: dict[Part, float] = {
        arithmetic.addition: 5, arithmetic.subtraction: 2, arithmetic.product: 2, lists.some: 4,
    }  # fmt: skip
    scene.rng.choices(list(exercises), list(exercises.values()))[0](scene)
    return scene.done("exercise")


SUBJECTS: dict[Maker, float] = {
    exercise: 9, naming: 5, tool_calls.with_tools: 9, tool_calls.in_pairs: 1, json_answers.some: 7, social: 3,
}  # fmt: skip


def forget(chat: Chat) -> None:
    """Drop all thoughts but the last, as clients do that send none back."""
    for message in chat.messages[:-1]:
        message.pop("reasoning_content", None)


def thoughtful(scene: Scene) -> Chat:
    """A chat on any subject in which brook thinks before it answers."""
    scene.thinks = True
    chat = scene.rng.choices(list(SUBJECTS), list(SUBJECTS.values()))[0](scene)
    if scene.chance(0.3):
        forget(chat)
    return chat


def bare(scene: Scene) -> Chat:
    """A story outside any chat, for clients that send plain text."""
    return Chat("bare", [{"role": "text", "content": stories.bare(scene)}])


MIX: dict[str, tuple[Maker, float]] = {
    "social": (social, 24), "naming": (naming, 14), "sums": (sums, 12), "tools": (tool_calls.with_tools, 22),
    "pairs": (tool_calls.in_pairs, 2), "thoughts": (thoughtful, 34), "json": (json_answers.some, 20),
    "long": (long_talk, 1.5), "bare": (bare, 1), "recitals": (recitals, 8),
}  # fmt: skip


def chats(seed: int, held: bool = False, boost: dict[str, float] | None = None) -> Iterator[Chat]:
    """Conversations without end; the same seed gives the same ones."""
    rng = random.Random(seed)
    makers = [maker for maker, _ in MIX.values()]
    weights = [weight * (boost or {}).get(name, 1.0) for name, (_, weight) in MIX.items()]
    while True:
        scene = Scene(rng, rng.random() < CHINESE_SHARE, held)
        yield rng.choices(makers, weights)[0](scene)
