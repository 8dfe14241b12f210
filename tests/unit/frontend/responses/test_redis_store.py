"""What only a store in Redis has to show: its clock, its counts, and what it says when it does not answer."""

import asyncio
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest
from support.redis_server import RedisServer
from support.stores import Place, record

from penstock.frontend.responses import redis_link
from penstock.frontend.responses.errors import StoreError
from penstock.frontend.responses.redis_store import PREFIX, RedisStore
from penstock.frontend.responses.store import End, Holder, Progress
from penstock.frontend.responses.writer import Frame


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as running:
        yield running


@pytest.fixture
def place(server: RedisServer) -> Place:
    with _client(server) as redis:
        redis.flushall()
    return Place(server.url)


def _client(server: RedisServer) -> Any:
    from redis import Redis

    return Redis.from_url(server.url)


def test_the_clocks_of_hosts_need_not_agree(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        async with place.opened() as fast, place.opened() as right:
            now_s = time.time()
            monkeypatch.setattr(time, "time", lambda: now_s + 1000.0)
            for name, lease_s in (("over", -1.0), ("mine", 100.0)):
                queued = record(name, status="queued", is_background=True)
                await fast.begin(queued, "realm", b"", "me", lease_s, Progress(b"", []))
            monkeypatch.undo()
            claim = await right.claim("realm", "you", 100.0)
            assert claim is not None
            assert claim.record.id == "over"
            assert await right.claim("realm", "you", 100.0) is None

    asyncio.run(work())


def test_it_knows_what_it_holds(place: Place, server: RedisServer) -> None:
    """The bound on its size is as good as this count."""

    async def work() -> None:
        async with place.opened() as store:
            await store.put(record("a", response=b"x" * 100))
            queued = record("b", status="queued", is_background=True)
            await store.begin(
                queued, "realm", b"job", "me", 10.0, Progress(b"past", [Frame(0, b"zero")])
            )
            assert _counted(server, "b") == _held(server, "b")
            frames = [Frame(1, b"one"), Frame(2, b"two")]
            await store.append("b", Holder("me"), Progress(b"more", frames), None)
            assert _counted(server, "b") == _held(server, "b")
            end = End("completed", b"all that was said")
            await store.append("b", Holder("me"), Progress(b"last", []), end)
            assert _counted(server, "b") == _held(server, "b")
            with _client(server) as redis:
                total = int(redis.get(PREFIX + b"total"))
            assert total == _held(server, "a") + _held(server, "b")
            await store.delete("b", "")
            await store.delete("a", "")

    asyncio.run(work())
    with _client(server) as redis:
        assert redis.keys() == [PREFIX + b"total"]
        assert redis.get(PREFIX + b"total") == b"0"


def _counted(server: RedisServer, name: str) -> int:
    with _client(server) as redis:
        return int(redis.hget(PREFIX + b"bytes", name))


def _held(server: RedisServer, name: str) -> int:
    with _client(server) as redis:
        fields = redis.hgetall(PREFIX + b"r:" + name.encode())
        lists = [redis.lrange(PREFIX + kind + name.encode(), 0, -1) for kind in (b"f:", b"p:")]
    of_record = [*record("").__struct_fields__, "job"]
    in_fields = sum(len(v) for k, v in fields.items() if k.decode() in of_record)
    changed = len(fields[b"status"]) - len("queued") if b"realm" in fields else 0
    return in_fields - changed + sum(len(each) for found in lists for each in found)


def test_frames_out_of_order_are_refused(place: Place) -> None:
    async def work() -> None:
        async with place.opened() as store:
            queued = record("a", status="queued", is_background=True)
            await store.begin(queued, "realm", b"", "me", 10.0, Progress(b"", [Frame(0, b"zero")]))
            twice = Progress(b"", [Frame(0, b"zero")])
            with pytest.raises(StoreError, match="not in order"):
                await store.append("a", Holder("me"), twice, None)

    asyncio.run(work())


def test_silence_is_an_error_and_not_a_wait(
    place: Place, server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_link, "TIMEOUT_S", 1.5)

    async def work() -> None:
        async with place.opened() as store:
            await store.put(record("a"))
            server.signal(signal.SIGSTOP)
            with pytest.raises(StoreError, match="Redis does not answer"):
                await store.get("a", "")
            server.signal(signal.SIGCONT)
            assert await store.get("a", "") == record("a")

    asyncio.run(work())


def test_it_needs_no_answer_to_be_made() -> None:
    async def work() -> None:
        store = RedisStore("redis://127.0.0.1:1/0", 1.0, 1)
        with pytest.raises(StoreError, match="Redis does not answer"):
            await store.get("a", "")
        await store.close()

    asyncio.run(work())
