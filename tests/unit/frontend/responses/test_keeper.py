"""Putting responses away: whoever waits for it does not wait for long, and nothing piles up without a bound."""

import asyncio
import time
from typing import Any, cast

import pytest
from support.stores import record

from penstock.frontend.responses import keeper
from penstock.frontend.responses.errors import StoreError
from penstock.frontend.responses.keeper import Keeper
from penstock.frontend.responses.store import Record, Replay, Store


class Slow:
    """A store that puts when it is let."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.kept: list[Record] = []
        self.error: Exception | None = None

    async def put(self, record: Record, replay: Replay | None = None) -> None:
        await self.gate.wait()
        if self.error:
            raise self.error
        self.kept.append(record)


def keeping(store: Slow) -> Keeper:
    return Keeper(cast(Store, store), "realm", 600.0)


def run(work: Any) -> None:
    asyncio.run(work())


def test_a_store_that_answers_is_waited_for() -> None:
    async def work() -> None:
        store = Slow()
        store.gate.set()
        await keeping(store).keep(record("a"), None)
        assert store.kept == [record("a")]

    run(work)


def test_one_that_is_slow_is_not_waited_for_but_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "PATIENCE_S", 0.02)

    async def work() -> None:
        store = Slow()
        its, began = keeping(store), time.monotonic()
        await its.keep(record("a"), None)
        assert time.monotonic() - began < 1.0
        assert store.kept == []
        store.gate.set()
        await its.close()
        assert store.kept == [record("a")]

    run(work)


def test_whoever_stops_waiting_stops_nothing() -> None:
    async def work() -> None:
        store = Slow()
        its = keeping(store)
        waiting = asyncio.create_task(its.keep(record("a"), None))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        store.gate.set()
        await its.close()
        assert store.kept == [record("a")]

    run(work)


@pytest.mark.parametrize("error", [StoreError("it is away"), RuntimeError("it is broken")])
def test_what_cannot_be_kept_is_told_in_the_log(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        store = Slow()
        store.gate.set()
        store.error = error
        await keeping(store).keep(record("a"), None)

    run(work)
    assert "a could not be kept" in caplog.text
    assert str(error) in caplog.text


def test_what_waits_is_bound_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "MAX_WAITING_BYTES", 100)
    large = Replay("realm", b"j" * 20, b"p" * 20, 1e9)

    async def work() -> None:
        store = Slow()
        its = keeping(store)
        assert its.put(record("a", response=b"x" * 60), None)
        assert its.put(record("b", response=b"x" * 20, input=b""), large) is None
        assert its.put(record("c", response=b"x" * 20), None)
        store.gate.set()
        await its.close()
        assert [each.id for each in store.kept] == ["a", "c"]
        assert its.put(record("d", response=b"x" * 1000), None)
        await its.close()
        assert its._waiting == {}

    run(work)
