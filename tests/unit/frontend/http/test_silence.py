"""Streams that have nothing to say: comments keep proxies from closing them."""

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from support.front import Front, wait_until

from penstock.protocol.messages import RefusalCode, Refused

INTERVAL_S = 0.2
PATIENCE_S = 30.0
"""On a busy machine; the interval that nobody set never ends."""
COMMENT = b": keep-alive\n\n"


@pytest.fixture(scope="module")
def talkative(byte_model: Path) -> Iterator[Front]:
    with Front(byte_model, sse_keep_alive_interval=INTERVAL_S) as front:
        yield front


@pytest.fixture(scope="module")
def patient(byte_model: Path) -> Iterator[Front]:
    """Its interval is longer than any answer here, on any machine."""
    with Front(byte_model, sse_keep_alive_interval=2 * PATIENCE_S) as front:
        yield front


@contextmanager
def begun(
    front: Front, path: str = "/v1/completions", **body: object
) -> Iterator[http.client.HTTPResponse]:
    with closing(http.client.HTTPConnection("127.0.0.1", front.port, timeout=60)) as connection:
        connection.request("POST", path, json.dumps({"prompt": "Hi", "stream": True, **body}))
        with connection.getresponse() as response:
            yield response


@pytest.mark.parametrize("path", ["/v1/completions", "/v1/responses"])
def test_a_stream_that_waits_is_opened_by_a_comment(talkative: Front, path: str) -> None:
    talkative.says("abc")
    talkative.engine.is_holding = True
    with begun(talkative, path) as response:
        assert response.status == 200
        for _ in range(3):
            before = time.monotonic()
            assert response.readline() + response.readline() == COMMENT
            assert time.monotonic() - before < INTERVAL_S + PATIENCE_S
        talkative.engine.is_holding = False
        rest = response.read()
    assert b"abc" in rest.replace(b'"', b"") or b'"a"' in rest
    assert rest.count(b"data: ") >= 2  # tokens that came together are one


def test_a_pause_between_tokens_is_filled_too(talkative: Front) -> None:
    talkative.says("ab" * 50, ends=False)
    with begun(talkative, max_tokens=300) as response:
        response.readline()
        talkative.engine.is_holding = True
        seen = b""
        while COMMENT not in seen:
            seen += response.readline()
        talkative.engine.is_holding = False
        rest = response.read()
    texts = [
        json.loads(e[6:])["choices"][0]["text"]
        for e in (seen + rest).decode().split("\n\n")
        if e[6:7] == "{"
    ]
    assert rest.endswith(b"data: [DONE]\n\n")
    assert set("".join(texts)) == {"a", "b"}


def test_after_a_comment_a_refusal_is_an_event(talkative: Front) -> None:
    talkative.engine.is_holding = True
    with begun(talkative, timeout=INTERVAL_S * 10) as response:
        *comments, error, done = response.read().decode().strip().split("\n\n")
    talkative.engine.is_holding = False
    assert set(comments) == {": keep-alive"}
    assert json.loads(error[6:])["error"]["code"] == 504
    assert done == "data: [DONE]"


def test_after_a_comment_a_response_that_fails_has_begun_all_the_same(talkative: Front) -> None:
    talkative.engine.is_holding = True
    body = {"prompt": None, "input": "Hi", "timeout": INTERVAL_S * 10}
    with begun(talkative, "/v1/responses", **body) as response:
        events = [e for e in response.read().decode().split("\n\n") if e.startswith("event: ")]
    talkative.engine.is_holding = False
    found = [json.loads(event.split("\ndata: ")[1]) for event in events]
    assert [e["type"].removeprefix("response.") for e in found] == [
        "created",
        "in_progress",
        "failed",
    ]
    assert [e["sequence_number"] for e in found] == [0, 1, 2]


def test_a_refusal_before_that_keeps_its_status(patient: Front) -> None:
    patient.engine.refusal = lambda r: Refused(r.id, RefusalCode.OVERLOADED, "full", 2.0)
    try:
        assert patient.complete(stream=True).status == 503
    finally:
        patient.engine.refusal = lambda request: None


def test_a_stream_that_never_pauses_has_no_comment(patient: Front) -> None:
    patient.says("abc")
    assert COMMENT not in patient.complete(stream=True).data


def test_a_background_stream_is_kept_alive(talkative: Front) -> None:
    talkative.says("abc")
    talkative.engine.is_holding = True
    with begun(talkative, "/v1/responses", background=True, prompt=None, input="Hi") as response:
        line = b""
        while line != b": keep-alive\n":
            line = response.readline()
        talkative.engine.is_holding = False
        assert b"response.completed" in response.read()


def test_a_client_that_leaves_in_the_silence_aborts(talkative: Front) -> None:
    talkative.engine.is_holding = True
    with begun(talkative) as response:
        response.readline()
    talkative.engine.is_holding = False
    wait_until(lambda: talkative.engine.num_running == 0)
    wait_until(lambda: talkative.services.drain.num_open == 0)


def test_unless_it_is_asked_for_silence_stays_silent(front: Front) -> None:
    assert front.settings.sse_keep_alive_interval == 0
