"""Answers that must be there in time: 504 while there is a status to give, an event afterwards."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.front import Answer, Front, wait_until

FOREVER = {"max_tokens": 4000, "ignore_eos": True}
PATHS = ["/v1/completions", "/v1/chat/completions", "/v1/responses"]
BODY = {"prompt": "Hi", "messages": [{"role": "user", "content": "Hi"}], "input": "Hi"}
TIMEOUT_S = 0.3
BEGUN_S = 2.0
"""So that the first token, after 20 ms, is in time on a busy machine, too."""
PATIENCE_S = 20.0
"""On a busy machine; the time that must not hold is a minute, or none."""


@contextmanager
def slow(front: Front) -> Iterator[None]:
    """Steps of 20 ms."""
    front.engine.step_s = 0.02
    try:
        yield
    finally:
        front.engine.step_s = 0.0005


def body_of(path: str, **fields: Any) -> dict[str, Any]:
    body = {"max_output_tokens": 4000, "ignore_eos": True, "prompt": None, **BODY, **fields}
    if path == "/v1/responses":
        return {k: v for k, v in body.items() if k != "messages"} | {"prompt": None}
    return body | FOREVER


def check_504(answer: Answer) -> None:
    assert answer.status == 504, answer.data
    assert (answer.error["type"], answer.error["code"]) == ("TimeoutError", 504)


@pytest.mark.parametrize("path", PATHS)
def test_an_answer_that_is_not_complete_in_time_is_504(front: Front, path: str) -> None:
    begun = time.monotonic()
    with slow(front):
        answer = front.post(path, body_of(path, timeout=TIMEOUT_S))
    check_504(answer)
    assert f"within {TIMEOUT_S:g} s" in answer.error["message"]
    assert time.monotonic() - begun < PATIENCE_S
    wait_until(lambda: front.engine.num_running == 0)


@pytest.mark.parametrize("path", PATHS)
def test_a_stream_without_a_token_in_time_is_504(front: Front, path: str) -> None:
    front.engine.is_holding = True
    check_504(front.post(path, body_of(path, timeout=TIMEOUT_S, stream=True)))
    wait_until(lambda: front.engine.num_running == 0)


@pytest.mark.parametrize("path", PATHS[:2])
def test_a_stream_cut_by_its_deadline_says_so_and_ends(front: Front, path: str) -> None:
    with slow(front):
        answer = front.post(path, body_of(path, timeout=BEGUN_S, stream=True))
    assert answer.status == 200
    first, *_, last = answer.events
    assert first["choices"]
    assert (last["error"]["type"], last["error"]["code"]) == ("TimeoutError", 504)
    wait_until(lambda: front.engine.num_running == 0)


def test_a_response_cut_by_its_deadline_failed(front: Front) -> None:
    with slow(front):
        answer = front.post("/v1/responses", body_of("/v1/responses", timeout=BEGUN_S, stream=True))
    *_, last = answer.data.decode().strip().split("\n\n")
    assert last.startswith("event: response.failed")
    assert "not complete within" in last


def test_the_header_counts_as_the_field_and_the_shorter_holds(front: Front) -> None:
    with slow(front):
        for field, header in ((60, "0.2"), (0.2, "60")):
            begun = time.monotonic()
            check_504(
                front.post(PATHS[0], body_of(PATHS[0], timeout=field), X_Request_Timeout=header)
            )
            assert time.monotonic() - begun < PATIENCE_S


@pytest.mark.parametrize("header", ["soon", "0", "-1", "inf", "nan"])
def test_a_header_that_is_no_time_is_refused(front: Front, header: str) -> None:
    answer = front.post(PATHS[0], BODY, X_Request_Timeout=header)
    assert (answer.status, answer.error["param"]) == (400, "timeout")


def test_the_engine_is_told_by_when_the_first_token_must_come(front: Front) -> None:
    front.says("a")
    front.complete(timeout=30)
    assert 10 < front.last.deadline_s <= 30
    front.complete()
    assert front.last.deadline_s == 0


def test_servers_may_set_both_times_and_requests_can_only_shorten_them(byte_model: Path) -> None:
    with Front(byte_model, request_timeout_s=1.5, max_queue_time_s=1.0) as front:
        with slow(front):
            for fields in ({}, {"timeout": 60}):
                begun = time.monotonic()
                check_504(front.complete(**FOREVER, **fields))
                assert time.monotonic() - begun < PATIENCE_S
                assert 0 < front.last.deadline_s <= 1.0
        front.says("a")
        assert front.complete().status == 200


def test_what_runs_in_the_background_has_no_deadline(byte_model: Path) -> None:
    with Front(byte_model, request_timeout_s=0.2) as front:
        front.says("abc")
        front.engine.is_holding = True
        answer = front.post("/v1/responses", {"input": "Hi", "background": True, "timeout": 0.1})
        wait_until(lambda: front.engine.num_running == 1)
        assert front.last.deadline_s == 0
        time.sleep(0.3)
        front.engine.is_holding = False
        path = f"/v1/responses/{answer.json['id']}"
        wait_until(lambda: front.get(path).json["status"] == "completed")
