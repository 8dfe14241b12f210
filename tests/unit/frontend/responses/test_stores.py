"""The contract of every store: who sees what, what is forgotten, what survives, and who may write."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from support.stores import Place, record

from penstock.frontend.responses.errors import TooMuchError
from penstock.frontend.responses.store import End, Holder, Progress, Replay, Store
from penstock.frontend.responses.writer import Frame

NOTHING = Progress(b"", [])
MOST = 1 << 20
OVER_S = -1.0
"""A lease that has run out when it begins."""


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(work())


async def begin(store: Store, name: str, owner: str = "me", lease_s: float = 10.0) -> None:
    queued = record(name, status="queued", is_background=True)
    await store.begin(queued, "realm", b"job", owner, lease_s, Progress(b"p0", [Frame(0, b"zero")]))


def test_it_outlives_its_process(place: Place) -> None:
    async def work() -> None:
        whole = record("a", response=b"s\xffid", previous="b", is_background=True, created_s=1.5)
        async with place.opened() as store:
            await store.put(whole)
        async with place.opened() as store:
            assert await store.get("a", "") == whole

    run(work)


def test_only_its_tenant_sees_a_response(place: Place) -> None:
    async def work() -> None:
        async with place.opened() as store:
            await store.put(record("a", tenant="me"))
            assert await store.get("a", "you") is None
            assert await store.chain("a", "you", MOST) == []
            assert not await store.delete("a", "you")
            assert not await store.cancel("a", "you", b"")
            assert await store.delete("a", "me")
            assert await store.get("a", "me") is None
            assert not await store.delete("a", "me")

    run(work)


def test_a_chain_begins_with_the_oldest_that_is_left(place: Place) -> None:
    async def work() -> None:
        async with place.opened() as store:
            for name, previous in (("a", None), ("b", "a"), ("c", "b")):
                await store.put(record(name, previous=previous))
            assert [r.id for r in await store.chain("c", "", MOST)] == ["a", "b", "c"]
            await store.delete("a", "")
            assert [r.id for r in await store.chain("c", "", MOST)] == ["b", "c"]

    run(work)


def test_no_more_of_a_chain_is_read_than_was_asked_for(place: Place) -> None:
    async def work() -> None:
        async with place.opened() as store:
            for name, previous in (("a", None), ("b", "a"), ("c", "b")):
                await store.put(
                    record(name, previous=previous, input=b"x" * 60, response=b"y" * 40)
                )
            assert len(await store.chain("c", "", 300)) == 3
            with pytest.raises(TooMuchError):
                await store.chain("c", "", 299)

    run(work)


def test_what_is_old_is_forgotten_unless_it_is_unfinished(place: Place) -> None:
    async def work() -> None:
        async with place.opened(responses_max_age_s=50) as store:
            busy = record("busy", created_s=1, status="queued", is_background=True)
            await store.begin(busy, "realm", b"job", "me", 10.0, NOTHING)
            for i in range(100):
                await store.put(record(f"old{i}", created_s=2))
            await store.put(record("new", created_s=90))
            await store.prune(100)
            left = [name for name in ("old0", "old99", "new", "busy") if await store.get(name, "")]
            assert left == ["new", "busy"]

    run(work)


def test_the_oldest_go_when_it_grows_too_large(place: Place) -> None:
    async def work() -> None:
        async with place.opened(responses_max_age_s=1e9, responses_max_bytes=2_000_000) as store:
            for i in range(300):
                await store.put(record(f"r{i}", created_s=i, response=b"x" * 20_000))
            await store.prune(300)
            assert await store.get("r0", "") is None
            assert await store.get("r150", "") is None
            assert await store.get("r299", "") is not None

    run(work)


def test_only_the_owner_writes(place: Place) -> None:
    async def work() -> None:
        async with place.opened() as mine, place.opened() as yours:
            me = Holder("me")
            await begin(mine, "a")
            assert await mine.append("a", me, Progress(b"p1", [Frame(1, b"one")]), None)
            assert await yours.claim("realm", "you", 10.0) is None
            assert await mine.renew(["a"], "me", OVER_S) == {"a"}
            assert await yours.claim("other realm", "you", 10.0) is None
            claim = await yours.claim("realm", "you", 10.0)
            assert claim is not None
            assert (claim.job, claim.pasts, claim.num_frames) == (b"job", [b"p0", b"p1"], 2)
            assert (claim.record.id, claim.record.status) == ("a", "in_progress")
            assert not await mine.append("a", me, Progress(b"p2", [Frame(2, b"no")]), None)
            assert await mine.renew(["a"], "me", 10.0) == set()
            assert await yours.renew(["a", "b"], "you", OVER_S) == {"a"}
            end = End("completed", b"whole")
            you = Holder("you", claim.num_takeovers)
            assert await yours.append("a", you, Progress(b"", [Frame(2, b"two")]), end)
            tail = await mine.tail("a", 0)
            assert tail is not None
            assert (tail.frames, tail.is_finished) == ([Frame(1, b"one"), Frame(2, b"two")], True)
            found = await mine.get("a", "")
            assert found is not None
            assert (found.status, found.response) == ("completed", b"whole")
            assert await mine.claim("realm", "me", 10.0) is None
            assert not await yours.append("a", you, Progress(b"", [Frame(3, b"no")]), None)

    run(work)


def test_who_got_it_back_is_not_who_had_it_before(place: Place) -> None:
    """What an owner sent before it lost its lease may arrive after it has it again."""

    async def work() -> None:
        async with place.opened() as store:
            await begin(store, "a", lease_s=OVER_S)
            claim = await store.claim("realm", "me", 10.0)
            assert claim is not None
            assert claim.num_takeovers == 1
            late = Progress(b"late", [])
            assert not await store.append("a", Holder("me"), late, None)
            assert await store.append("a", Holder("me", 1), late, None)

    run(work)


def test_what_is_released_or_ended_is_free_at_once(place: Place) -> None:
    async def work() -> None:
        async with place.opened() as store:
            for name in ("a", "b", "c"):
                await begin(store, name, owner="b's" if name == "b" else "me")
            assert await store.cancel("c", "", b"cancelled")
            assert not await store.cancel("c", "", b"again")
            assert await store.renew(["a", "b", "c"], "me", 10.0) == {"a"}
            await store.release("other realm", "me")
            assert await store.claim("realm", "you", 10.0) is None
            await store.release("realm", "me")
            claim = await store.claim("realm", "you", OVER_S)
            assert claim is not None
            assert claim.record.id == "a"
            assert await store.delete("a", "")
            assert await store.tail("a", -1) is None
            assert await store.claim("realm", "you", 10.0) is None

    run(work)


def test_a_replay_is_kept_for_its_time(place: Place) -> None:
    async def work() -> None:
        async with place.opened(responses_max_age_s=1e6) as store:
            replay = Replay("realm", b"job", b"past", 200.5)
            await store.put(record("a"), replay)
            await store.put(record("b"))
            assert await store.replay("a") == replay
            assert await store.replay("b") is None
            assert await store.resume("a", "me", 9.0) is None
            await store.prune(200.0)
            assert await store.replay("a") == replay
            await store.prune(201.0)
            assert await store.replay("a") is None
            assert await store.get("a", "") == record("a")

    run(work)


def test_one_that_was_cancelled_is_resumed_by_one(place: Place) -> None:
    async def work() -> None:
        async with place.opened() as first, place.opened() as second:
            replay = Replay("realm", b"job", b"past", 1e9)
            await first.put(record("a", status="cancelled"), replay)
            claims = await asyncio.gather(
                *(s.resume("a", n, OVER_S) for s, n in ((first, "first"), (second, "second")))
            )
            ((claim, owner),) = [
                (c, n) for c, n in zip(claims, ("first", "second"), strict=True) if c
            ]
            assert (claim.job, claim.pasts, claim.num_frames) == (b"job", [b"past"], 0)
            holder = Holder(owner, claim.num_takeovers)
            assert await first.append("a", holder, Progress(b"", [Frame(0, b"zero")]), None)
            found = await second.get("a", "")
            assert found is not None
            assert (found.status, found.is_background) == ("in_progress", False)
            again = await first.claim("realm", "third", 10.0)
            assert again is not None
            assert (again.pasts, again.num_frames) == ([b"past"], 1)

    run(work)


def test_of_two_that_claim_one_gets_it(place: Place) -> None:
    async def work() -> None:
        async with place.opened() as first, place.opened() as second:
            for i in range(20):
                await begin(first, f"r{i}", "dead", OVER_S)
            claims = [
                store.claim("realm", name, 10.0)
                for _ in range(15)
                for store, name in ((first, "first"), (second, "second"))
            ]
            found = [claim.record.id for claim in await asyncio.gather(*claims) if claim]
            assert sorted(found) == sorted(f"r{i}" for i in range(20))

    run(work)


def test_what_is_left_out_is_not_claimed(place: Place) -> None:
    async def work() -> None:
        async with place.opened() as store:
            for i in range(3):
                await begin(store, f"r{i}", "dead", OVER_S - 3 + i)
            claim = await store.claim("realm", "me", 10.0, but=["r0", "r1", "other"])
            assert claim is not None
            assert claim.record.id == "r2"
            assert await store.claim("realm", "me", 10.0, but=["r0", "r1"]) is None
            claim = await store.claim("realm", "me", 10.0)
            assert claim is not None
            assert claim.record.id == "r0"

    run(work)


def test_many_frames_are_one_append(place: Place) -> None:
    """An answer of thousands of pieces that is gone on with is written anew in one."""

    async def work() -> None:
        async with place.opened() as store:
            await begin(store, "a")
            frames = [Frame(1 + i, b"f") for i in range(20_000)]
            assert await store.append("a", Holder("me"), Progress(b"", frames), None)
            tail = await store.tail("a", 19_999)
            assert tail is not None
            assert tail.frames == frames[-1:]

    run(work)
