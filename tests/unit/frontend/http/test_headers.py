"""What answers carry besides what was asked for: request ids, timings, the status of a wrong value."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.front import Answer, Front

from penstock.frontend.access import is_name

TIMES = re.compile(r"(\w+);dur=(\d+\.\d)")


def times(answer: Answer) -> dict[str, float]:
    return {name: float(value) for name, value in TIMES.findall(answer.headers["server-timing"])}


@given(st.text(max_size=140))
def test_a_name_can_neither_break_a_line_nor_leave_a_quote(text: str) -> None:
    if is_name(text):
        assert text.isascii()
        assert text.isprintable()
        assert 0 < len(text) <= 128
        assert not set(text) & set(" \"'\\<>")


@pytest.mark.parametrize("name", ["a", "3f2b-9c", "req_1:2/3", "a|b;c=d,e@f.g+h", "x" * 128])
def test_a_request_keeps_its_name(front: Front, name: str) -> None:
    front.says("a")
    answer = front.post("/v1/completions", {"prompt": "a"}, X_Request_Id=name)
    assert answer.headers["x-request-id"] == name
    assert answer.json["id"] == f"cmpl-{name}"
    assert front.last.name == name
    assert front.get("/nowhere", X_Request_Id=name).headers["x-request-id"] == name


@pytest.mark.parametrize("name", ["x" * 129, "a b", 'a"b', "<a>", "a\\b", "é"])
def test_a_name_unfit_for_logs_is_replaced(front: Front, name: str) -> None:
    got = front.ask("GET", "/ping", headers={"X-Request-Id": name}).headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{32}", got)


def test_names_may_be_left_out_of_answers(byte_model: Path) -> None:
    with Front(byte_model, enable_request_id_headers=False, enable_server_timing=False) as front:
        front.says("a")
        answer = front.complete()
        assert "x-request-id" not in answer.headers
        assert "server-timing" not in answer.headers


@pytest.mark.parametrize("path", ["/v1/completions", "/v1/chat/completions", "/v1/responses"])
def test_an_answer_tells_where_its_time_went(front: Front, path: str) -> None:
    front.says("abcdef")
    body = {"prompt": "Hi", "messages": [{"role": "user", "content": "Hi"}], "input": "Hi"}
    if path == "/v1/responses":
        body = {"input": "Hi"}
    found = times(front.post(path, body))
    assert list(found) == ["text", "queue", "prefill", "decode", "total"]
    parts = sum(value for name, value in found.items() if name != "total")
    assert parts == pytest.approx(found["total"], abs=0.5)


def test_the_engine_tells_how_long_a_request_waited(front: Front) -> None:
    front.says("a")
    front.engine.queued_us = 400
    try:
        assert times(front.complete())["queue"] == 0.4
    finally:
        front.engine.queued_us = 0


def test_a_stream_tells_what_is_over_when_it_begins(front: Front) -> None:
    front.says("abc")
    assert list(times(front.complete(stream=True))) == ["text", "queue", "prefill"]


def test_a_beam_search_has_times_too(front: Front) -> None:
    assert "total" in times(front.complete(n=2, use_beam_search=True, max_tokens=2, temperature=0))


def test_a_value_out_of_bounds_may_have_a_status_of_its_own(byte_model: Path) -> None:
    with Front(byte_model, validation_status=422) as front:
        wrong = front.complete(temperature=3)
        assert (wrong.status, wrong.error["code"]) == (422, 422)
        assert (wrong.error["type"], wrong.error["param"]) == (
            "UnprocessableEntityError",
            "temperature",
        )
        assert front.complete(temperature="hot").status == 400
        assert front.post("/v1/completions", b"{").status == 400
        assert front.complete(model="other").status == 404
