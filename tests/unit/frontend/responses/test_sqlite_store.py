"""The store: who sees what, what is forgotten, what survives, and who may write."""

import asyncio
import stat
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from penstock.frontend.responses.sqlite_store import SqliteStore
from penstock.frontend.responses.store import End, Progress, Record
from penstock.frontend.responses.writer import Frame

NOTHING = Progress(b"", [])


def record(name: str, **fields: Any) -> Record:
    defaults: dict[str, Any] = {
        "id": name,
        "tenant": "",
        "created_s": 100.0,
        "status": "completed",
        "is_background": False,
        "previous": None,
        "input": b"[]",
        "response": b"{}",
    }
    return Record(**(defaults | fields))


@asynccontextmanager
async def opened(path: Path, **bounds: float) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(
        str(path), bounds.get("max_age_s", 1e9), int(bounds.get("max_bytes", 1 << 40))
    )
    try:
        yield store
    finally:
        await store.close()


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(work())


def test_it_survives_its_process_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "responses.sqlite"

    async def work() -> None:
        async with opened(path) as store:
            await store.put(record("a", response=b"said"))
        async with opened(path) as store:
            found = await store.get("a", "")
            assert found == record("a", response=b"said")

    run(work)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_only_its_tenant_sees_a_response(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path / "s") as store:
            await store.put(record("a", tenant="me"))
            assert await store.get("a", "you") is None
            assert await store.chain("a", "you") == []
            assert not await store.delete("a", "you")
            assert not await store.cancel("a", "you", b"")
            assert await store.delete("a", "me")
            assert await store.get("a", "me") is None

    run(work)


def test_a_chain_begins_with_the_oldest_that_is_left(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path / "s") as store:
            for name, previous in (("a", None), ("b", "a"), ("c", "b")):
                await store.put(record(name, previous=previous))
            assert [r.id for r in await store.chain("c", "")] == ["a", "b", "c"]
            await store.delete("a", "")
            assert [r.id for r in await store.chain("c", "")] == ["b", "c"]

    run(work)


def test_what_is_old_is_forgotten_unless_it_is_unfinished(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path / "s", max_age_s=50) as store:
            await store.put(record("old", created_s=1))
            await store.put(record("new", created_s=90))
            unfinished = record("busy", created_s=1, status="queued", is_background=True)
            await store.begin(unfinished, "realm", b"job", "me", 1e9, NOTHING)
            await store.prune(100)
            left = [name for name in ("old", "new", "busy") if await store.get(name, "")]
            assert left == ["new", "busy"]

    run(work)


def test_the_oldest_go_when_it_grows_too_large(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path / "s", max_bytes=2_000_000) as store:
            for i in range(300):
                await store.put(record(f"r{i}", created_s=i, response=b"x" * 20_000))
            await store.prune(300)
            assert await store.get("r0", "") is None
            assert await store.get("r299", "") is not None

    run(work)


def test_only_the_owner_writes(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path / "s") as mine, opened(tmp_path / "s") as yours:
            queued = record("a", status="queued", is_background=True)
            opening = Progress(b"", [Frame(0, b"zero")])
            await mine.begin(queued, "realm", b"job", "me", 10.0, opening)
            assert await mine.append("a", "me", Progress(b"p1", [Frame(1, b"one")]), None)
            assert await yours.claim("realm", "you", 9.0, 20.0) is None
            assert await yours.claim("other realm", "you", 11.0, 20.0) is None
            claim = await yours.claim("realm", "you", 11.0, 20.0)
            assert claim is not None
            assert (claim.job, claim.pasts, claim.num_frames) == (b"job", [b"p1"], 2)
            assert not await mine.append("a", "me", Progress(b"p2", [Frame(2, b"no")]), None)
            assert await mine.renew(["a"], "me", 99.0) == set()
            assert await yours.renew(["a"], "you", 30.0) == {"a"}
            end = End("completed", b"whole")
            assert await yours.append("a", "you", Progress(b"", [Frame(2, b"two")]), end)
            tail = await mine.tail("a", 0)
            assert tail is not None
            assert (tail.frames, tail.is_finished) == ([Frame(1, b"one"), Frame(2, b"two")], True)
            assert await mine.claim("realm", "me", 1e9, 2e9) is None

    run(work)


def test_of_two_that_claim_one_gets_it(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path / "s") as first, opened(tmp_path / "s") as second:
            for i in range(20):
                queued = record(f"r{i}", status="queued", is_background=True)
                await first.begin(queued, "realm", b"job", "dead", 0.0, NOTHING)
            claims = [
                store.claim("realm", name, 5.0, 50.0)
                for _ in range(15)
                for store, name in ((first, "first"), (second, "second"))
            ]
            found = [claim.record.id for claim in await asyncio.gather(*claims) if claim]
            assert sorted(found) == sorted(f"r{i}" for i in range(20))

    run(work)
