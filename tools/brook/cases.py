"""Held-out prompts and how their answers are judged. Knows no model."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from . import arithmetic, corpus, json_answers, talk, tool_calls
from .chat import Message, Tool, dumps
from .scene import Scene
from .schema import call_ok, calls_in, matches, parsed

Judge = Callable[[str], bool]


@dataclass(frozen=True)
class Case:
    """A prompt, whether an answer to it passes, and whether it is also exactly right."""

    domain: str
    messages: list[Message]
    tools: list[Tool]
    passes: Judge
    exact: Judge
    thinking: bool = False


def addition(scene: Scene) -> Case:
    """A sum of two two-digit numbers that training never showed; the last number must be right."""
    scene.opening(0.4)
    a, b = arithmetic.pair(scene)
    scene.turn(scene.say(arithmetic.ASK_ADD, arithmetic.ASK_ADD_ZH).format(a=a, b=b), "")

    def right(answer: str) -> bool:
        return re.findall(r"\d+", answer)[-1:] == [str(a + b)]

    return Case("addition", scene.messages[:-1], [], right, right)


def name(scene: Scene) -> Case:
    """A name that training never showed, asked for after zero to three other subjects."""
    scene.opening()
    if scene.chance(0.3):
        talk.greet(scene)
    talk.introduce(scene)
    given = scene.name
    corpus.parts(scene, scene.rng.randint(0, 3))
    talk.recall(scene)

    def recalled(answer: str) -> bool:
        return given in answer

    return Case("name", scene.messages[:-1], [], recalled, recalled)


def first_call(messages: list[Message]) -> int | None:
    """Where the first turn with tool calls is."""
    return next((i for i, m in enumerate(messages) if m.get("tool_calls")), None)


def tool_call(scene: Scene) -> Case:
    """A request that needs a call; every call must parse and match the schema of its function."""
    while True:
        chat = tool_calls.with_tools(Scene(scene.rng, scene.zh, held=True))
        at = first_call(chat.messages)
        if at is not None:
            break
    wanted = [
        {k: call["function"][k] for k in ("name", "arguments")}
        for call in chat.messages[at]["tool_calls"]
    ]

    def valid(answer: str) -> bool:
        calls = calls_in(answer)
        return bool(calls) and all(call_ok(call, chat.tools) for call in calls)

    return Case(
        "tool", chat.messages[:at], chat.tools, valid, lambda answer: calls_in(answer) == wanted
    )


def json_answer(scene: Scene) -> Case:
    """A text to be put into fields; the whole answer must be JSON that the schema allows."""
    chat = json_answers.with_schema(scene)
    schema, wanted = chat.expect["schema"], chat.expect["answer"]

    def valid(answer: str) -> bool:
        value: Any = parsed(answer)
        return value is not None and matches(value, schema)

    return Case("json", chat.messages[:-1], [], valid, lambda answer: answer == dumps(wanted))


def silence(scene: Scene) -> Case:
    """Talk beside an offered function that nobody needs; there must be no call."""
    idle = tool_calls.build(scene, tool_calls.kind_of(scene))
    chat = tool_calls.unused(scene, idle)

    def quiet(answer: str) -> bool:
        return bool(answer.strip()) and "<tool_call>" not in answer

    return Case("no call", chat.messages[:-1], chat.tools, quiet, quiet)


def result(scene: Scene) -> Case:
    """A function's result in the chat; the answer must be the expected words."""
    while True:
        chat = tool_calls.with_tools(Scene(scene.rng, scene.zh, held=True))
        at = next((i for i, m in enumerate(chat.messages) if m["role"] == "tool"), None)
        if at is not None and chat.messages[at + 1]["role"] == "assistant":
            break
    wanted = chat.messages[at + 1]["content"]
    numbers = re.findall(r"\d+", wanted)

    def told(answer: str) -> bool:
        return re.findall(r"\d+", answer) == numbers and "<tool_call>" not in answer

    return Case(
        "result", chat.messages[: at + 1], chat.tools, told, lambda answer: answer == wanted
    )


SUBJECTS = (addition, name, tool_call, json_answer, silence, result)


def answer_after(text: str) -> str:
    """What follows a thought; nothing where the thought is empty, unclosed or has a second one after it."""
    thought, closed, answer = text.partition("</think>")
    good = thought.strip() and closed and "think>" not in answer
    return answer.removeprefix("\n\n") if good else ""


def after_thought(case: Case, domain: str) -> Case:
    """The same case, but with a thought asked for, and judged by what follows it."""
    return replace(
        case,
        domain=domain,
        passes=lambda text: case.passes(answer_after(text)),
        exact=lambda text: case.exact(answer_after(text)),
        thinking=True,
    )


def thought(scene: Scene) -> Case:
    """Any case with a thought asked for; the thought must close and an answer must follow."""
    case = after_thought(scene.one(SUBJECTS)(scene), "thought")
    return replace(case, passes=lambda text: bool(answer_after(text)))


def no_thought(scene: Scene) -> Case:
    """Any case without a thought asked for; there must be none."""
    case = scene.one(SUBJECTS)(scene)
    return replace(case, domain="no thought", passes=lambda text: "think>" not in text)


def sum_after_thought(scene: Scene) -> Case:
    return after_thought(addition(scene), "addition after a thought")


def call_after_thought(scene: Scene) -> Case:
    return after_thought(tool_call(scene), "tool after a thought")


def json_after_thought(scene: Scene) -> Case:
    return after_thought(json_answer(scene), "json after a thought")


def calculation(scene: Scene, part: corpus.Part, domain: str) -> Case:
    """One question of an arithmetic part; the last number must be right."""
    scene.opening(0.4)
    part(scene)
    *asked, expected = scene.messages
    wanted = re.findall(r"\d+", expected["content"])[-1:]

    def right(answer: str) -> bool:
        return re.findall(r"\d+", answer)[-1:] == wanted

    return Case(domain, asked, [], right, right)


def difference(scene: Scene) -> Case:
    """A difference of two numbers that training never showed together."""
    return calculation(scene, arithmetic.subtraction, "difference")


def product(scene: Scene) -> Case:
    """An entry of the multiplication table, all of which training showed."""
    return calculation(scene, arithmetic.product, "product")


MAKERS = (
    *SUBJECTS, thought, sum_after_thought, call_after_thought, json_after_thought, no_thought,
    difference, product,
)  # fmt: skip


def held_out(seed: int, count: int) -> list[Case]:
    """`count` cases of every domain; the same seed gives the same ones."""
    rng = random.Random(seed)
    return [
        make(Scene(rng, rng.random() < corpus.CHINESE_SHARE, held=True))
        for make in MAKERS
        for _ in range(count)
    ]
