"""Clients that leave, engines that are not there, processes that end."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.fake_engine import FakeEngine
from support.front import Front, wait_until


@contextmanager
def begun(port: int, **fields: Any) -> Iterator[http.client.HTTPConnection]:
    """A request whose answer is not read yet."""
    body = {"prompt": "Hi", "max_tokens": 4000, "ignore_eos": True, **fields}
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("POST", "/v1/completions", json.dumps(body))
        yield connection


@pytest.mark.parametrize("fields", [{}, {"stream": True}, {"n": 3, "temperature": 1}], ids=str)
def test_a_client_that_leaves_aborts_its_sequences(front: Front, fields: dict[str, Any]) -> None:
    num = fields.get("n", 1)
    with begun(front.port, **fields):
        wait_until(lambda: front.engine.num_running == num)
    wait_until(lambda: front.engine.num_running == 0, 5)
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


@contextmanager
def program(model: Path, engine: FakeEngine, *flags: str) -> Iterator["subprocess.Popen[str]"]:
    argv = [sys.executable, "-P", "-m", "penstock.frontend", str(model)]
    argv += ["--endpoint", engine.endpoint, "--host", "127.0.0.1", *flags]
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def address_of(process: "subprocess.Popen[str]") -> str:
    """Once it listens there."""
    assert process.stderr is not None
    for line in process.stderr:
        if "listening on" in line:
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return line.split()[-1]
    raise AssertionError("it never listened")


def port_of(process: "subprocess.Popen[str]") -> int:
    return int(address_of(process).rsplit(":", 1)[1])


def status(port: int, path: str = "/ready") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def test_a_drain_lets_streams_end_well(byte_model: Path) -> None:
    with FakeEngine(step_s=0.001) as engine, program(byte_model, engine, "--port", "0") as process:
        port = port_of(process)
        wait_until(lambda: status(port) == 200)
        with (
            begun(port, stream=True, max_tokens=1500) as connection,
            connection.getresponse() as response,
        ):
            process.send_signal(signal.SIGTERM)
            wait_until(lambda: status(port) == 503)
            wait_until(lambda: status(port) == 0)
            data = response.read()
        assert b'"finish_reason":"length"' in data
        assert data.endswith(b"data: [DONE]\n\n")
        assert process.wait(10) == 0
        assert engine.left


def test_a_stream_that_overruns_the_drain_is_told(byte_model: Path) -> None:
    with (
        FakeEngine(step_s=0.01) as engine,
        program(byte_model, engine, "--port", "0", "--drain-timeout-s", "0.3") as process,
    ):
        port = port_of(process)
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
        assert process.wait(5) == 0


def test_two_programs_share_a_port(byte_model: Path) -> None:
    with FakeEngine() as engine, program(byte_model, engine, "--port", "0") as first:
        port = port_of(first)
        with program(byte_model, engine, "--port", str(port)) as second:
            assert port_of(second) == port
            first.send_signal(signal.SIGTERM)
            assert first.wait(10) == 0
            assert status(port, "/ping") == 200


def test_a_unix_socket_can_be_listened_on(byte_model: Path, tmp_path: Path) -> None:
    path = tmp_path / "front"
    with FakeEngine() as engine, program(byte_model, engine, "--uds", str(path)) as process:
        assert address_of(process) == f"unix:{path}"
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            connection.sendall(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b" 200 " in connection.recv(4096)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


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
    found = subprocess.run(argv, capture_output=True, text=True, timeout=30)
    assert found.returncode == 2
    assert words in found.stderr
    assert "Traceback" not in found.stderr
