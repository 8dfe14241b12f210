"""Whatever is asked of them, in whatever order, stores of every kind answer the same."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from support.examples import examples
from support.stores import Place, empty_places, record

from penstock.frontend.responses.store import End, Holder, Progress, Replay, Store
from penstock.frontend.responses.writer import Frame

Step = Callable[[Store], Any]
NAMES = st.sampled_from(["a", "b", "c"])
OWNERS = st.sampled_from(["me", "you"])
TENANTS = st.sampled_from(["", "t"])
TIMES = st.integers(0, 20)
BETWEEN = 0.5
LEASES = st.sampled_from([-30, -20, -10, 1000])
"""Seconds: they have run out, or do not within the test; between two of them lies more than the test takes."""
REALMS = st.sampled_from(["here", "there"])


def _begin(name: str, tenant: str, realm: str, owner: str, lease_s: int, created_s: int) -> Step:
    async def step(store: Store) -> str:
        if await store.tail(name, -1) is not None:
            return "is there"
        queued = record(
            name, tenant=tenant, status="queued", is_background=True, created_s=created_s
        )
        opening = Progress(b"past", [Frame(0, b"zero")])
        await store.begin(queued, realm, b"job", owner, lease_s, opening)
        return "begun"

    return step


def _put(name: str, tenant: str, realm: str, status: str, replay_until_s: int) -> Step:
    async def step(store: Store) -> str:
        if await store.tail(name, -1) is not None:
            return "is there"
        replay = (
            Replay(realm, b"job", b"past", replay_until_s + BETWEEN) if replay_until_s else None
        )
        await store.put(record(name, tenant=tenant, status=status), replay)
        return "put"

    return step


def _append(name: str, owner: str, turn: int, past: bytes, num: int, ends: bool) -> Step:
    """As many frames as there may be, with the numbers that follow."""

    async def step(store: Store) -> Any:
        tail = await store.tail(name, -1)
        first = 0 if tail is None else len(tail.frames)
        frames = [Frame(first + i, bytes([i])) for i in range(num)]
        end = End("completed", b"whole") if ends else None
        return await store.append(name, Holder(owner, turn), Progress(past, frames), end)

    return step


def _asked(name: str, *arguments: Any) -> Step:
    return lambda store: getattr(store, name)(*arguments)


STEPS = st.one_of(
    st.builds(_begin, NAMES, TENANTS, REALMS, OWNERS, LEASES, TIMES),
    st.builds(
        _append, NAMES, OWNERS, st.integers(0, 2), st.binary(max_size=3), st.integers(0, 3), st.booleans()
    ),
    st.builds(_put, NAMES, TENANTS, REALMS, st.sampled_from(["completed", "cancelled"]), TIMES),
    st.builds(lambda n: _asked("replay", n), NAMES),
    st.builds(lambda n, o, s: _asked("resume", n, o, s), NAMES, OWNERS, LEASES),
    st.builds(lambda *asked: _asked("claim", *asked), REALMS, OWNERS, LEASES, st.sets(NAMES)),
    st.builds(lambda o, s: _asked("renew", ["a", "b", "c"], o, s), OWNERS, LEASES),
    st.builds(lambda r, o: _asked("release", r, o), REALMS, OWNERS),
    st.builds(lambda n, t: _asked("cancel", n, t, b"gone"), NAMES, TENANTS),
    st.builds(lambda n, t: _asked("delete", n, t), NAMES, TENANTS),
    st.builds(lambda n, t: _asked("get", n, t), NAMES, TENANTS),
    st.builds(lambda n, a: _asked("tail", n, a), NAMES, st.integers(-1, 5)),
    st.builds(lambda n: _asked("prune", n), TIMES),
)  # fmt: skip


async def _answers(place: Place, steps: Sequence[Step]) -> list[Any]:
    async with place.opened(responses_max_age_s=3.0) as store:
        return [await step(store) for step in steps]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("stores")
    with empty_places("sqlite", folder) as files, empty_places("redis", folder) as servers:
        yield lambda: (files(), servers())


@examples(30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=4, max_size=30))
def test_two_kinds_of_store_answer_alike(pair: Any, steps: list[Step]) -> None:
    first, second = pair()
    assert asyncio.run(_answers(first, steps)) == asyncio.run(_answers(second, steps))
