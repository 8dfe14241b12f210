"""Clients that leave, engines that are not there, processes that end."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.fake_engine import FakeEngine
from support.fake_script import SOON_SILENT
from support.front import Answer, Front, wait_until
from support.frontend_program import LONG_UNREADY, FrontendProgram

from penstock.frontend.engine import client


@contextmanager
def begun(port: int, **fields: Any) -> Iterator[http.client.HTTPConnection]:
    """A request whose answer is not read yet."""
    body = {"prompt": "Hi", "max_tokens": 4000, "ignore_eos": True, **fields}
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("POST", "/v1/completions", json.dumps(body))
        yield connection


@pytest.mark.parametrize("fields", [{}, {"stream": True}, {"n": 3, "temperature": 1}], ids=str)
def test_a_client_that_leaves_aborts_its_sequences(front: Front, fields: dict[str, Any]) -> None:
    num = fields.get("n", 1)
    with begun(front.port, **fields):
        wait_until(lambda: front.engine.num_running == num)
    wait_until(lambda: front.engine.num_running == 0)
    assert len(front.engine.aborted) == num
    wait_until(lambda: front.services.drain.num_open == 0)


def test_a_reader_that_sleeps_does_not_pile_up_memory(front: Front) -> None:
    front.engine.tokens_per_step = 50
    with (
        begun(front.port, stream=True, logprobs=20) as connection,
        connection.getresponse() as response,
    ):
        wait_until(lambda: front.engine.num_running == 0)
        assert response.read().endswith(b"data: [DONE]\n\n")


def test_a_stream_that_breaks_says_so_and_ends(front: Front) -> None:
    with_gap = iter(range(10**6))
    front.engine.edit = lambda tokens: (
        type(tokens)([]) if next(with_gap) == 5 else tokens
    )  # one step's tokens are lost
    try:
        *_, last = front.complete(stream=True, max_tokens=50, ignore_eos=True).events
    finally:
        front.engine.edit = lambda tokens: tokens
    assert last["error"]["code"] == 500
    assert last["error"]["type"] == "InternalServerError"


def test_before_the_engine_is_there_only_probes_are_answered(byte_model: Path) -> None:
    with Front(byte_model, wait=False) as front:
        assert front.get("/ping").status == 200
        assert front.get("/health").status == 503
        assert front.get("/ready").status == 503
        for answer in (front.chat(), front.complete(), front.get("/v1/models")):
            assert answer.status == 503
            assert int(answer.headers["retry-after"]) >= 1
        assert front.get("/metrics").status == 200


@pytest.mark.parametrize(
    "ask",
    [
        lambda front: front.get("/ready"),
        lambda front: front.get("/v1/models"),
        lambda front: front.post("/tokenize", {"prompt": "Hi"}),
        lambda front: front.complete(max_tokens=2),
        lambda front: front.chat(max_tokens=2),
        lambda front: front.get("/v1/requests/nobodys"),
    ],
    ids=["ready", "models", "tokenize", "completions", "chat", "timeline"],
)
def test_a_request_just_before_the_engines_welcome_waits_for_it(
    byte_model: Path, ask: Callable[[Front], Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when another front end of the port was welcomed first, and said so."""
    monkeypatch.setattr(client, "MEETING_S", 20.0)  # a busy machine makes moments long
    with Front(byte_model, wait=False) as front, ThreadPoolExecutor(1) as aside:
        answer = aside.submit(ask, front)
        wait_until(lambda: front.services.drain.num_open == 1)
        time.sleep(0.1)
        front.engine.is_silent = False
        assert answer.result().status != 503


def test_a_request_just_before_an_engine_comes_back_after_all_waits_for_it(
    byte_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that waited too long were told; of those that come now, none is."""
    front = Front(byte_model, engine_patience_s=0.1)
    front.engine.limits = SOON_SILENT
    with front, ThreadPoolExecutor(1) as aside:
        front.engine.is_silent = True
        wait_until(lambda: not front.services.client.is_ready, 20)
        wait_until(lambda: front.complete(max_tokens=2).status == 503)
        monkeypatch.setattr(client, "MEETING_S", 20.0)
        answer = aside.submit(front.complete, max_tokens=2)
        wait_until(lambda: front.services.drain.num_open == 1)
        front.engine.is_silent = False
        assert answer.result().status == 200


def test_http_1_0_gets_events_without_chunks(front: Front) -> None:
    front.says("ab")
    with socket.create_connection(("127.0.0.1", front.port)) as connection:
        body = json.dumps({"prompt": "Hi", "stream": True}).encode()
        head = f"POST /v1/completions HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        data = b"".join(iter(lambda: connection.recv(65536), b""))
    head_bytes, _, events = data.partition(b"\r\n\r\n")
    assert b"chunked" not in head_bytes.lower()
    assert events.startswith(b"data: {")
    assert events.endswith(b"data: [DONE]\n\n")


# ---- the program itself


def status(port: int, path: str = "/ready") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def test_a_drain_lets_streams_end_well(byte_model: Path) -> None:
    with (
        FakeEngine(step_s=0.005) as engine,
        FrontendProgram(byte_model, engine, "--port", "0", program=("-c", LONG_UNREADY)) as process,
    ):
        port = process.port
        wait_until(lambda: status(port) == 200)
        with (
            begun(port, stream=True, max_tokens=1000) as connection,
            connection.getresponse() as response,
        ):
            process.send_signal(signal.SIGTERM)
            wait_until(lambda: status(port) == 503)
            wait_until(lambda: status(port) == 0)
            data = response.read()
        assert b'"finish_reason":"length"' in data
        assert data.endswith(b"data: [DONE]\n\n")
        assert process.wait(60) == 0
        assert engine.left


def test_a_drain_sends_kept_connections_elsewhere(byte_model: Path) -> None:
    """They are told so with an answer, before listening ends and before anything is cut."""
    with (
        FakeEngine(step_s=0.01) as engine,
        FrontendProgram(byte_model, engine, "--port", "0") as process,
    ):
        port = process.port
        wait_until(lambda: status(port) == 200)
        with (
            kept(port) as used,
            kept(port) as probing,
            begun(port, stream=True) as holds_it_up,
            holds_it_up.getresponse(),
        ):
            assert answer_of(used, "/v1/models").getheader("Connection") is None
            process.send_signal(signal.SIGTERM)
            process.line_with("draining")
            unready = answer_of(probing, "/ready")
            assert (unready.status, unready.getheader("Connection")) == (503, "close")
            last = answer_of(used, "/v1/models")
            assert (last.status, last.getheader("Connection")) == (200, "close")
        assert process.wait(60) == 0


@contextmanager
def kept(port: int) -> Iterator[http.client.HTTPConnection]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        yield connection


def answer_of(connection: http.client.HTTPConnection, path: str) -> http.client.HTTPResponse:
    connection.request("GET", path)
    response = connection.getresponse()
    response.read()
    return response


def test_a_second_signal_ends_a_drain(byte_model: Path) -> None:
    with (
        FakeEngine(step_s=0.01) as engine,
        FrontendProgram(byte_model, engine, "--port", "0") as process,
    ):
        wait_until(lambda: status(process.port) == 200)
        with begun(process.port, stream=True) as connection, connection.getresponse():
            process.send_signal(signal.SIGTERM)
            process.line_with("draining")
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0


def test_hanging_up_without_tls_is_a_stop(byte_model: Path) -> None:
    with FakeEngine() as engine, FrontendProgram(byte_model, engine, "--port", "0") as process:
        wait_until(lambda: status(process.port) == 200)
        process.send_signal(signal.SIGHUP)
        process.line_with("draining")
        assert process.wait(60) == 0


def test_a_stream_that_overruns_the_drain_is_told(byte_model: Path) -> None:
    with (
        FakeEngine(step_s=0.01) as engine,
        FrontendProgram(byte_model, engine, "--port", "0", "--drain-timeout-s", "0.3") as process,
    ):
        port = process.port
        wait_until(lambda: status(port) == 200)
        with begun(port, stream=True) as streamed, begun(port) as whole:
            with streamed.getresponse() as response:
                wait_until(lambda: engine.num_running == 2)
                process.send_signal(signal.SIGTERM)
                *_, error, done = response.read().decode().split("\n\n")[:-1]
            assert json.loads(error[6:])["error"]["code"] == 503
            assert done == "data: [DONE]"
            with whole.getresponse() as response:
                assert response.status == 503
        assert process.wait(20) == 0


def test_two_programs_share_a_port(byte_model: Path) -> None:
    with FakeEngine() as engine, FrontendProgram(byte_model, engine, "--port", "0") as first:
        port = first.port
        with FrontendProgram(byte_model, engine, "--port", str(port)) as second:
            assert second.port == port
            first.send_signal(signal.SIGTERM)
            assert first.wait(60) == 0
            assert status(port, "/ping") == 200


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--chat-template", "/nowhere"], "--chat-template /nowhere: no such file"),
        (["--generation-config", "/nowhere"], "--generation-config /nowhere"),
        (["--override-generation-config", '{"temperature": "x"}'], "generation_config.json"),
        (["--host", "203.0.113.1"], "cannot listen on http://203.0.113.1"),
    ],
)
def test_wrong_settings_end_with_status_2(byte_model: Path, flags: list[str], words: str) -> None:
    argv = [sys.executable, "-P", "-m", "penstock.frontend", str(byte_model)]
    argv += ["--endpoint", f"ipc:///tmp/none-{os.getpid()}", *flags]
    found = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert found.returncode == 2
    assert words in found.stderr
    assert "Traceback" not in found.stderr
