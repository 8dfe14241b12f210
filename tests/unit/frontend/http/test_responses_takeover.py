"""A response in the background outlives the front end that took it."""

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.fake_script import LIMITS
from support.front import Front, wait_until
from support.stores import KINDS, Place, empty_places

from penstock.frontend.responses import background, journal
from penstock.frontend.responses.background import Background
from penstock.protocol import token_ids
from penstock.protocol.messages import Limits

PATH = "/v1/responses"
TEXT = "A long answer, with wörds of 世界 that takes a while to say."


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "LEASE_S", 1.5)
    monkeypatch.setattr(background, "BEAT_S", 0.05)
    monkeypatch.setattr(journal, "FLUSH_S", 0.01)


@pytest.fixture(scope="module", params=KINDS)
def places(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Place]]:
    with empty_places(request.param, tmp_path_factory.mktemp(request.param)) as empty:
        yield empty


@pytest.fixture
def fronts(byte_model: Path, places: Callable[[], Place]) -> Iterator[tuple[Front, Front]]:
    """Two with one store, each before an engine of its own that answers the same."""
    with _two(byte_model, places().given, LIMITS) as two:
        yield two


@contextmanager
def _two(model: Path, store: str, limits: Limits) -> Iterator[tuple[Front, Front]]:
    first, second = (Front(model, responses_store=store) for _ in range(2))
    for front in (first, second):
        front.engine.limits = limits
        front.says(TEXT)
    first.engine.step_s = 0.01
    with first, second:
        yield first, second


async def _die(front: Front) -> None:
    """As by kill -9: nothing is said to anybody."""
    its: Background | None = front.services.background
    assert its is not None
    assert its._keeper is not None
    tasks = [its._keeper, *its._tasks.values()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def events_of(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(event.split("\ndata: ")[1]) for event in data.decode().split("\n\n")[:-1]]


def ended(front: Front, response_id: str) -> dict[str, Any]:
    path = f"{PATH}/{response_id}"
    wait_until(lambda: front.get(path).json["status"] not in ("queued", "in_progress"))
    return dict(front.get(path).json)


def test_another_front_end_goes_on_where_it_died(fronts: tuple[Front, Front]) -> None:
    first, second = fronts
    response_id = first.post(PATH, {"input": "Hi", "background": True}).json["id"]
    path = f"{PATH}/{response_id}?stream=true&starting_after="
    wait_until(lambda: num_frames(second, response_id) > 12)
    first.call(_die(first))
    events = events_of(second.get(f"{path}-1").data)
    assert ended(second, response_id)["output"][0]["content"][0]["text"] == TEXT
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    deltas = [e["delta"] for e in events if e["type"] == "response.output_text.delta"]
    assert "".join(deltas) == TEXT
    (resumed,) = second.engine.generates
    assert 0 < token_ids.count(resumed.emitted) < len(TEXT.encode())
    assert resumed.params == first.last.params
    usage = events[-1]["response"]["usage"]
    assert usage["output_tokens"] == len(TEXT.encode()) + 1


def num_frames(front: Front, response_id: str) -> int:
    store = front.services.store
    assert store is not None
    tail = front.call(store.tail(response_id, -1))
    assert tail is not None
    return len(tail.frames)


def test_one_that_ends_in_order_hands_over_at_once(
    fronts: tuple[Front, Front], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = fronts
    monkeypatch.setattr(background, "LEASE_S", 1000.0)
    response_id = first.post(PATH, {"input": "Hi", "background": True}).json["id"]
    assert first.services.background is not None
    first.call(first.services.background.close())
    assert ended(second, response_id)["output"][0]["content"][0]["text"] == TEXT


def test_what_was_cancelled_elsewhere_ends(fronts: tuple[Front, Front]) -> None:
    first, second = fronts
    first.engine.is_holding = True
    response_id = first.post(PATH, {"input": "Hi", "background": True}).json["id"]
    wait_until(lambda: len(first.engine.generates) == 1)
    assert second.post(f"{PATH}/{response_id}/cancel", {}).json["status"] == "cancelled"
    wait_until(lambda: first.engine.aborted == [first.last.id])
    assert second.engine.generates == []


def test_what_ends_one_front_end_after_another_is_given_up(
    fronts: tuple[Front, Front], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = fronts
    monkeypatch.setattr(background, "MAX_TAKEOVERS", 0)
    first.engine.is_holding = True
    response_id = first.post(PATH, {"input": "Hi", "background": True}).json["id"]
    first.call(_die(first))
    found = ended(second, response_id)
    assert found["status"] == "failed"
    assert "could not be continued" in found["error"]["message"]
    events = events_of(second.get(f"{PATH}/{response_id}?stream=true").data)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert len(events) > 1
    last = events[-1]
    assert (last["type"], last["response"]) == ("response.failed", found)


def test_an_engine_that_dies_is_not_noticed(fronts: tuple[Front, Front]) -> None:
    first, _ = fronts
    response_id = first.post(PATH, {"input": "Hi", "background": True}).json["id"]
    wait_until(lambda: num_frames(first, response_id) > 8)
    first.engine.restart()
    assert ended(first, response_id)["output"][0]["content"][0]["text"] == TEXT


def test_what_waited_for_a_lock_is_begun_once(byte_model: Path, tmp_path: Path) -> None:
    """Its lease counts from when it is written down, or it would be as if left alone from the first."""
    path = str(tmp_path / "responses.sqlite")
    with _two(byte_model, path, LIMITS) as (first, second), ThreadPoolExecutor(1) as aside:
        first.post(PATH, {"input": "Hi"})
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            asked = aside.submit(first.post, PATH, {"input": "Hi", "background": True})
            time.sleep(2 * background.LEASE_S)
            other.execute("ROLLBACK")
        response_id = asked.result().json["id"]
        assert ended(first, response_id)["output"][0]["content"][0]["text"] == TEXT
        assert (len(first.engine.generates), second.engine.generates) == (2, [])


def test_whoever_goes_on_with_it_here_is_not_forgotten_with_who_did_before(
    byte_model: Path, places: Callable[[], Place]
) -> None:
    with Front(byte_model, responses_store=places().given) as front:
        front.says(TEXT)
        front.engine.step_s = 0.02
        response_id = front.post(PATH, {"input": "Hi", "background": True}).json["id"]
        wait_until(lambda: num_frames(front, response_id) > 8)
        its = front.services.background
        assert its is not None
        before = front.call(_taken_over_by_itself(its, response_id))
        wait_until(before.done)
        assert its._tasks[response_id] is not before
        assert ended(front, response_id)["output"][0]["content"][0]["text"] == TEXT
        wait_until(lambda: its._tasks == its._journals == {})


async def _taken_over_by_itself(its: Background, response_id: str) -> asyncio.Task[None]:
    """What wrote it before."""
    claim, before = None, its._tasks[response_id]
    while claim is None:  # its own beat may have renewed it meanwhile
        await its._store.renew([response_id], its._owner, -1.0)
        claim = await its._store.claim(its._realm, its._owner, 10.0)
    await its._adopt(claim)
    return before


def test_who_goes_on_with_it_takes_its_place_under_the_limits(
    byte_model: Path, places: Callable[[], Place]
) -> None:
    metered = msgspec.structs.replace(LIMITS, is_metered=True)
    with _two(byte_model, places().given, metered) as (first, second):
        response_id = first.post(PATH, {"input": "Hi", "background": True}).json["id"]
        wait_until(lambda: num_frames(second, response_id) > 12)
        first.call(_die(first))
        assert ended(second, response_id)["output"][0]["content"][0]["text"] == TEXT
        (asked,), (again,) = first.engine.reserved, second.engine.reserved
        num_past = len(second.last.emitted) // 4
        assert num_past > 0
        assert (again.subject, again.resumes, again.certain) == (asked.subject, True, 0)
        assert again.possible == asked.possible - num_past
        assert second.last.reservation == again.id
        wait_until(lambda: second.engine.settled == [again.id])
