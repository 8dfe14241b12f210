"""Clients that send too much, too slowly or no HTTP: always an error object, and the connection is closed."""

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.front import Front

HEADERS_S, BODY_S = 0.8, 0.8
PATIENCE_S = 30.0
"""Of a busy machine; without a limit, nothing ever comes."""


@pytest.fixture(scope="module")
def strict(byte_model: Path) -> Iterator[Front]:
    with Front(
        byte_model,
        header_timeout_s=HEADERS_S,
        body_timeout_s=BODY_S,
        max_header_bytes=1024,
        max_header_count=20,
        max_body_bytes=4096,
        keep_alive_s=30.0,
    ) as front:
        front.says("a")
        yield front


@contextlib.contextmanager
def connected(front: Front) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", front.port), timeout=60) as connection:
        yield connection


def last_answer(connection: socket.socket) -> tuple[int, dict[str, str], Any]:
    """Status, headers and JSON of what comes before the server closes."""
    data = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = data.partition(b"\r\n\r\n")
    status_line, *lines = head.decode().split("\r\n")
    headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}
    return int(status_line.split()[1]), headers, json.loads(body)


def until_answered(connection: socket.socket, number: int) -> bytes:
    """What comes until so many answers have begun."""
    data = b""
    while data.count(b"HTTP/1.1 200 OK") < number:
        came = connection.recv(65536)
        assert came, data
        data += came
    return data


def refused(front: Front, data: bytes) -> tuple[int, str]:
    with connected(front) as connection:
        connection.sendall(data)
        status, headers, body = last_answer(connection)
    assert headers["connection"] == "close"
    assert set(body["error"]) == {"message", "type", "param", "code"}
    assert body["error"]["code"] == status
    return status, body["error"]["message"]


def request(*headers: str, path: str = "/ping", body: bytes = b"") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@pytest.mark.parametrize(
    ("data", "status", "words"),
    [
        (request("X: " + "a" * 2000), 431, "longer than 1024 bytes"),
        (request(path="/" + "a" * 2000), 431, "longer than 1024 bytes"),
        (request(*(f"X-{i}: a" for i in range(30))), 431, "more than 20 headers"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(50), 400, "HTTPS traffic"),
        (b"HELO mail.example\r\n\r\n", 400, "This is no HTTP request"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, "Host"),
        (request("Content-Length: x"), 400, "This is no HTTP request"),
    ],
    ids=["header", "path", "headers", "tls", "smtp", "no host", "length"],
)
def test_what_is_no_request(strict: Front, data: bytes, status: int, words: str) -> None:
    found, message = refused(strict, data)
    assert (found, words in message) == (status, True), message
    assert len(message) < 200


def test_a_body_too_large_is_413_with_the_bound(strict: Front) -> None:
    answer = strict.complete("x" * 5000)
    assert (answer.status, answer.error["code"]) == (413, 413)
    assert "4096" in answer.error["message"]


def test_headers_that_dribble_in_are_408(strict: Front) -> None:
    begun = time.monotonic()
    with connected(strict) as connection:
        for byte in b"GET /p":
            connection.sendall(bytes([byte]))
            time.sleep(HEADERS_S / 48)
        status, _, body = last_answer(connection)
    assert status == 408
    assert f"{HEADERS_S:g} s" in body["error"]["message"]
    assert HEADERS_S * 0.9 < time.monotonic() - begun < HEADERS_S + PATIENCE_S


def test_a_connection_that_says_nothing_is_closed_without_a_word(strict: Front) -> None:
    with connected(strict) as connection:
        assert connection.recv(1) == b""


@pytest.mark.parametrize("framing", ["Content-Length: 1000", "Transfer-Encoding: chunked"])
def test_a_body_that_dribbles_in_is_408(strict: Front, framing: str) -> None:
    with connected(strict) as connection:
        connection.sendall(request(framing, path="/v1/completions", body=b"5\r\n{"))
        status, _, body = last_answer(connection)
    assert status == 408
    assert "too slowly" in body["error"]["message"]


def test_a_body_that_comes_at_a_fair_pace_may_take_longer(strict: Front) -> None:
    """Two grace periods, at twice the least pace."""
    text = b'{"prompt": "a", "x": "' + b"y" * 3900
    with connected(strict) as connection:
        length = f"Content-Length: {len(text) + 2}"
        connection.sendall(request(length, path="/v1/completions", body=text[:2000]))
        time.sleep(BODY_S)
        connection.sendall(text[2000:])
        time.sleep(BODY_S)
        connection.sendall(b'"}')
        assert b" 200 " in connection.recv(65536).partition(b"\r\n")[0]


def test_the_time_for_headers_begins_with_each_request_and_not_while_idle(strict: Front) -> None:
    with connected(strict) as connection:
        for _ in range(2):
            connection.sendall(request("Content-Length: 0"))
            assert b" 200 " in connection.recv(65536).partition(b"\r\n")[0]
            time.sleep(HEADERS_S * 1.5)
        connection.sendall(b"GET /pi")
        status, _, _ = last_answer(connection)
    assert status == 408


def test_an_answer_may_take_as_long_as_it_takes(strict: Front) -> None:
    strict.engine.step_s = 0.2
    try:
        begun = time.monotonic()
        answer = strict.complete(max_tokens=8, ignore_eos=True, stream=True)
    finally:
        strict.engine.step_s = 0.0005
    assert answer.events[-1]["choices"][0]["finish_reason"] == "length"
    assert time.monotonic() - begun > max(HEADERS_S, BODY_S)


def test_pipelined_requests_are_answered_in_their_order(strict: Front) -> None:
    with connected(strict) as connection:
        one = request("Content-Length: 0")
        connection.sendall(one * 3 + one[:10])
        data = until_answered(connection, 3)
        connection.sendall(one[10:])
        data += until_answered(connection, 1)
        connection.sendall(b"nonsense\r\n\r\n")
        data += b"".join(iter(lambda: connection.recv(65536), b""))
    assert data.count(b"HTTP/1.1 200 OK") == 4
    assert data.count(b" 400 Bad Request") == 1
