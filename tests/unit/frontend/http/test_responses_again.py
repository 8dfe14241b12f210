"""A streamed answer whose connection broke, or that is over, streamed again."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from openai import OpenAI
from support.fake_engine import granted
from support.fake_script import LIMITS
from support.front import Front, wait_until
from support.stores import KINDS, Place, empty_places

from penstock.frontend.engine import Wish
from penstock.frontend.generation import Piece
from penstock.frontend.responses.replay import UPDATES_AT_A_TIME
from penstock.frontend.responses.writer import Frame, ResponseWriter
from penstock.frontend.sse import EventStream
from penstock.protocol import token_ids
from penstock.protocol.messages import Verdict

PATH = "/v1/responses"
TEXT = "A long answer, with wörds of 世界 that takes a while to say."
BODY: dict[str, Any] = {"input": "Hi", "stream": True}


@pytest.fixture(scope="module", params=KINDS)
def places(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Place]]:
    with empty_places(request.param, tmp_path_factory.mktemp(request.param)) as empty:
        yield empty


@pytest.fixture
def front(byte_model: Path, places: Callable[[], Place]) -> Iterator[Front]:
    with Front(byte_model, responses_store=places().given) as running:
        running.says(TEXT)
        yield running


def events_of(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(event.split("\ndata: ")[1]) for event in data.decode().split("\n\n")[:-1]]


def text_of(events: list[dict[str, Any]]) -> str:
    return "".join(e["delta"] for e in events if e["type"] == "response.output_text.delta")


def break_off(front: Front, body: dict[str, Any], after: int) -> list[dict[str, Any]]:
    """Reads until so many events have come, then hangs up; the events that came whole."""
    data = json.dumps(body).encode()
    head = f"POST {PATH} HTTP/1.0\r\nHost: x\r\nContent-Length: {len(data)}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", front.port)) as connection:
        connection.sendall(head + data)
        came = b""
        while came.count(b"\n\n") < after:
            came += connection.recv(4096)
    whole = came.split(b"\r\n\r\n", 1)[1].rpartition(b"\n\n")[0] + b"\n\n"
    return events_of(whole)


def broken(front: Front, **more: Any) -> list[dict[str, Any]]:
    """One whose slot in the engine is free by now."""
    front.engine.step_s = 0.01
    events = break_off(front, BODY | more, 12)
    wait_until(lambda: front.engine.aborted == [front.last.id])
    path = f"{PATH}/{events[0]['response']['id']}"
    if more.get("store", True):
        wait_until(lambda: front.get(path).status == 200)
    return events


def test_the_rest_comes_when_the_client_does(front: Front) -> None:
    came = broken(front)
    path = f"{PATH}/{came[0]['response']['id']}"
    kept = front.get(path).json
    assert (kept["status"], kept["output"][0]["status"]) == ("cancelled", "incomplete")
    assert TEXT.startswith(kept["output"][0]["content"][0]["text"])
    rest = events_of(front.get(f"{path}?stream=true&starting_after={len(came) - 1}").data)
    assert [e["sequence_number"] for e in came + rest] == list(range(len(came + rest)))
    assert text_of(came + rest) == TEXT
    assert rest[-1]["type"] == "response.completed"
    assert 0 < token_ids.count(front.last.emitted) < len(TEXT.encode())
    assert front.last.params == front.engine.generates[0].params
    assert front.get(path).json["status"] == "completed"
    assert front.get(path).json == rest[-1]["response"]
    assert events_of(front.get(f"{path}?stream=true").data) == came + rest


def test_who_comes_twice_is_answered_twice_and_it_is_made_once(front: Front) -> None:
    came = broken(front)
    response_id = came[0]["response"]["id"]
    with OpenAI(base_url=f"{front.url}/v1", api_key="none", max_retries=0) as client:
        first = client.responses.retrieve(response_id, stream=True, starting_after=3)
        second = client.responses.retrieve(response_id, stream=True, starting_after=7)
        assert [event.sequence_number for event in first][:1] == [4]
        assert [event.sequence_number for event in second][:1] == [8]
    assert len(front.engine.generates) == 2


def test_the_rest_is_asked_for_under_the_limits_like_any_request(
    byte_model: Path, places: Callable[[], Place]
) -> None:
    """Its place was given up with its client: whoever leaves early must not get the rest beyond his limits."""
    front = Front(byte_model, responses_store=places().given)
    front.engine.limits = msgspec.structs.replace(LIMITS, is_metered=True)
    with front:
        front.says(TEXT)
        engine, path = front.engine, f"{PATH}/{broken(front)[0]['response']['id']}?stream=true"
        wait_until(lambda: engine.settled == [engine.reserved[0].id])
        engine.verdict = lambda asked: Verdict(0, False, "that is used up", 12.2)
        denied = front.get(path)
        assert (denied.status, denied.headers["retry-after"]) == (429, "13")
        assert len(engine.generates) == 1
        engine.verdict = granted
        assert text_of(events_of(front.get(path).data)) == TEXT
        first, _, asked = engine.reserved
        num_past = token_ids.count(front.last.emitted)
        assert (asked.subject, asked.resumes, asked.certain) == (first.subject, False, 0)
        assert asked.possible == first.possible - num_past
        assert front.last.reservation == asked.id
        wait_until(lambda: engine.settled[-1] == asked.id)


def test_whoever_comes_second_gives_his_place_back(
    byte_model: Path, places: Callable[[], Place]
) -> None:
    front = Front(byte_model, responses_store=places().given)
    front.engine.limits = msgspec.structs.replace(LIMITS, is_metered=True)
    with front:
        front.says(TEXT)
        response_id = broken(front)[0]["response"]["id"]
        its, client = front.services.background, front.services.client
        assert its is not None

        async def twice() -> None:
            for _ in range(2):
                await its.go_on(response_id, await client.reserve(Wish("me", 0, 9)))

        front.call(twice())
        wait_until(lambda: len(front.engine.settled) == 3)
        assert len(front.engine.generates) == 2


def test_one_that_is_over_is_said_again_without_the_engine(front: Front) -> None:
    events = events_of(front.post(PATH, BODY | {"top_logprobs": 1}).data)
    path = f"{PATH}/{events[0]['response']['id']}?stream=true"
    assert events_of(front.get(path).data) == events
    assert events_of(front.get(f"{path}&starting_after=5").data) == events[6:]
    assert events_of(front.get(f"{path}&starting_after={len(events)}").data) == []
    assert len(front.engine.generates) == 1


def test_one_that_was_cut_short_by_its_length_too(front: Front) -> None:
    events = events_of(front.post(PATH, BODY | {"max_output_tokens": 5}).data)
    assert events[-1]["type"] == "response.incomplete"
    path = f"{PATH}/{events[0]['response']['id']}?stream=true"
    assert events_of(front.get(path).data) == events


def test_a_long_one_is_said_again_aside_and_in_steps(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other streams go on meanwhile."""
    front.says("ab" * 50, ends=False)
    front.engine.step_s = 0.0
    body = BODY | {"max_output_tokens": 2000}
    events = events_of(front.post(PATH, body).data)
    path = f"{PATH}/{events[0]['response']['id']}?stream=true"
    seen: list[tuple[threading.Thread, int]] = []
    said, opened = ResponseWriter.piece, EventStream.open
    sizes: list[int] = []

    def spy(writer: ResponseWriter, piece: Piece) -> list[Frame]:
        seen.append((threading.current_thread(), len(piece.update.token_ids)))
        return said(writer, piece)

    def sized(request: Any, first: bytes) -> Any:
        sizes.append(len(first))
        return opened(request, first)

    monkeypatch.setattr(ResponseWriter, "piece", spy)
    monkeypatch.setattr(EventStream, "open", sized)
    answer = front.get(path).data
    assert events_of(answer) == events
    assert front._thread not in {thread for thread, _ in seen}
    assert sum(num_tokens for _, num_tokens in seen) == 2000
    assert len(seen) <= UPDATES_AT_A_TIME or sizes[0] < len(answer) / 2


def test_what_is_not_stored_cannot_be_had_again(front: Front) -> None:
    came = broken(front, store=False)
    assert front.get(f"{PATH}/{came[0]['response']['id']}?stream=true").status == 404


def test_after_a_while_the_response_is_left_but_not_its_events(front: Front) -> None:
    came = broken(front)
    path = f"{PATH}/{came[0]['response']['id']}"
    store = front.services.store
    assert store is not None
    front.call(store.prune(time.time() + 601.0))
    answer = front.get(f"{path}?stream=true")
    assert (answer.status, answer.error["param"]) == (400, "stream")
    assert front.get(path).json["status"] == "cancelled"


def test_nothing_is_kept_for_it_where_nobody_wants_that(byte_model: Path) -> None:
    with Front(byte_model, responses_resume_s=0.0) as front:
        front.says(TEXT)
        events = events_of(front.post(PATH, BODY).data)
        path = f"{PATH}/{events[0]['response']['id']}"
        assert front.get(f"{path}?stream=true").status == 400
        front.engine.step_s = 0.01
        came = break_off(front, BODY, 12)
        wait_until(lambda: len(front.engine.aborted) == 1)
        assert front.get(f"{PATH}/{came[0]['response']['id']}").status == 404
