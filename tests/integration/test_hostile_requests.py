"""Two thousand requests that mean harm, over HTTP: each a 4xx or a right answer, soon, and nobody else notices."""

import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pytest
from support.deployment import Deployment
from support.hostile import hostile
from support.hostile_templates import corpus
from support.hostile_tools import hostile_tools

HI = [{"role": "user", "content": "Hi"}]
PATIENCE_S = 20.0
"""Of a busy machine; what is asked for is two seconds on a quiet one."""
NUM_CONSTRAINTS, NUM_TOOLS = 1000, 574


@pytest.fixture(scope="module")
def brook() -> Iterator[Deployment]:
    with Deployment("--trust-request-chat-template") as deployment:
        yield deployment


def constraints(seeds: range) -> Iterator[dict[str, Any]]:
    return ({"max_tokens": 30, "temperature": 1.5, "seed": seed, **hostile(seed)} for seed in seeds)


def tools(seeds: range) -> Iterator[dict[str, Any]]:
    return ({"max_tokens": 30, "seed": seed, **hostile_tools(seed)} for seed in seeds)


def templates(share: float) -> Iterator[dict[str, Any]]:
    sources = list(corpus().values())
    picked = random.Random(1).sample(sources, int(len(sources) * share))
    return ({"max_tokens": 2, "chat_template": source} for source in picked)


class Outcome(NamedTuple):
    took_s: float
    status: int
    fields: Mapping[str, Any]


def outcome(deployment: Deployment, fields: Mapping[str, Any]) -> Outcome:
    begun = time.monotonic()
    status, answer = deployment.post("/v1/chat/completions", {"messages": HI, **fields})
    took_s = time.monotonic() - begun
    assert status == 200 or (400 <= status < 500 and answer["error"]["message"]), (status, answer)
    return Outcome(took_s, status, fields)


def check_all(deployment: Deployment, bodies: Iterator[dict[str, Any]]) -> str:
    """Whatever comes of it, all are asked; what came, in figures."""
    workers, before = deployment.pids("penstock.workers"), innocently(deployment)
    outcomes = sorted((outcome(deployment, fields) for fields in bodies), key=lambda o: o.took_s)
    assert innocently(deployment) == before
    assert deployment.pids("penstock.workers")[:1] == workers[:1]
    assert deployment.metric("penstock:worker_restarts_total") == 0
    assert [late for late in outcomes if late.took_s >= PATIENCE_S] == []
    return figures(outcomes)


def figures(outcomes: list[Outcome]) -> str:
    """`outcomes` with the slowest last."""
    middle, counts = outcomes[len(outcomes) // 2], Counter(each.status for each in outcomes)
    last = [(f"{o.took_s:.2f} s", o.status, named(o.fields)) for o in outcomes[-5:]]
    return f"{dict(counts)}, p50 {middle.took_s:.3f} s, slowest {last}"


def named(fields: Mapping[str, Any]) -> str:
    """What finds a request again."""
    template = fields.get("chat_template")
    names = [name for name, source in corpus().items() if source == template]
    return names[0] if names else f"seed {fields['seed']}"


def innocently(deployment: Deployment) -> str:
    status, answer = deployment.post(
        "/v1/completions", {"prompt": "Once", "max_tokens": 50, "temperature": 0}
    )
    assert status == 200
    return str(answer["choices"][0]["text"])


def test_some_of_each_kind(brook: Deployment) -> None:
    check_all(brook, constraints(range(5000, 5020)))
    check_all(brook, tools(range(40)))
    check_all(brook, templates(0.03))


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", ["constraints", "tools", "templates"])
def test_two_thousand(brook: Deployment, kind: str) -> None:
    bodies = {
        "constraints": lambda: constraints(range(6000, 6000 + NUM_CONSTRAINTS)),
        "tools": lambda: tools(range(1000, 1000 + NUM_TOOLS)),
        "templates": lambda: templates(1.0),
    }[kind]
    print(f"{kind}: {check_all(brook, bodies())}")
