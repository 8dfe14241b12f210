"""A store that is away for a while: answers come all the same, and nothing in the background is lost."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.front import Front, wait_until
from support.redis_server import RedisServer

from penstock.frontend.responses import background, journal, redis_link

PATH = "/v1/responses"
TEXT = "A long answer that takes a while to say, so that there is time to be interrupted."


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def front(byte_model: Path, redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Front]:
    monkeypatch.setattr(redis_link, "TIMEOUT_S", 1.5)
    monkeypatch.setattr(background, "LEASE_S", 1.5)
    monkeypatch.setattr(background, "BEAT_S", 0.05)
    monkeypatch.setattr(journal, "FLUSH_S", 0.01)
    with Front(byte_model, responses_store=redis.url) as running:
        running.says(TEXT)
        yield running


def test_an_answer_needs_no_store_but_whatever_is_kept_does(
    front: Front, redis: RedisServer
) -> None:
    kept = front.post(PATH, {"input": "Hi"}).json["id"]
    redis.kill()
    assert front.post(PATH, {"input": "Hi"}).json["status"] == "completed"
    for answer in (
        front.get(f"{PATH}/{kept}"),
        front.post(PATH, {"input": "Hi", "background": True}),
        front.post(PATH, {"input": "Hi", "previous_response_id": kept}),
    ):
        assert (answer.status, answer.error["type"]) == (503, "ServiceUnavailableError")
        assert "Retry-After" in {name.title() for name in answer.headers}
    redis.start()
    assert front.get(f"{PATH}/{kept}").json["output"][0]["content"][0]["text"] == TEXT


def test_a_response_in_the_background_waits_for_it(front: Front, redis: RedisServer) -> None:
    front.engine.step_s = 0.03
    response_id = front.post(PATH, {"input": "Hi", "background": True}).json["id"]
    wait_until(lambda: len(front.get(f"{PATH}/{response_id}?stream=true").data) > 0)
    response_id = front.post(PATH, {"input": "Hi", "background": True}).json["id"]
    wait_until(lambda: len(front.engine.generates) == 2)
    redis.signal(signal.SIGSTOP)
    wait_until(lambda: front.services.background._tasks == {})  # type: ignore[union-attr]
    redis.signal(signal.SIGCONT)
    path = f"{PATH}/{response_id}"
    wait_until(lambda: front.get(path).json["status"] == "completed")
    assert front.get(path).json["output"][0]["content"][0]["text"] == TEXT
    assert len(front.engine.generates) == 3
