"""A store behind a lock holds back no answer's end; a store that answers has whatever has ended."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.front import Front, wait_until

from penstock.frontend.api import responses_stream
from penstock.frontend.api.responses_stream import _Chunks
from penstock.frontend.responses import sqlite_file

PATH = "/v1/responses"
BUSY_S = 60.0
"""How long the store would wait for its lock."""


@pytest.fixture
def front(byte_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Front]:
    monkeypatch.setattr(sqlite_file, "BUSY_S", BUSY_S)
    with Front(byte_model, responses_store=str(tmp_path / "responses.sqlite")) as running:
        running.says("Known")
        running.post(PATH, {"input": "Hi"})
        yield running


@contextmanager
def locked(front: Front) -> Iterator[None]:
    path = str(front.settings.responses_store)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def last_of(data: bytes) -> dict[str, Any]:
    return dict(json.loads(data.decode().split("\n\n")[-2].split("\ndata: ")[1]))


@pytest.mark.parametrize("is_streamed", [True, False])
def test_a_lock_does_not_hold_back_an_answer(front: Front, is_streamed: bool) -> None:
    with locked(front):
        began = time.monotonic()
        answer = front.post(PATH, {"input": "Hi", "stream": is_streamed})
        assert time.monotonic() - began < BUSY_S
        response = last_of(answer.data)["response"] if is_streamed else answer.json
        assert response["status"] == "completed"
    path = f"{PATH}/{response['id']}"
    wait_until(lambda: front.get(path).status == 200)
    assert front.get(path).json == response


@pytest.mark.parametrize(
    ("settings", "body", "is_gathered"),
    [
        ({}, {}, True),
        ({}, {"store": False}, False),
        ({"responses_resume_s": 0.0}, {}, False),
        ({"responses_store": "none"}, {}, False),
    ],
)
def test_what_nobody_can_have_again_is_not_gathered(
    byte_model: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, Any],
    body: dict[str, Any],
    is_gathered: bool,
) -> None:
    made: list[_Chunks] = []

    def spy(*given: Any) -> _Chunks:
        made.append(_Chunks(*given))
        return made[-1]

    monkeypatch.setattr(responses_stream, "_Chunks", spy)
    with Front(byte_model, **settings) as front:
        front.says("Known")
        events = front.post(PATH, {"input": "Hi", "stream": True, **body}).data
        assert last_of(events)["type"] == "response.completed"
    (chunks,) = made
    assert bool(chunks.past) == is_gathered
