"""A response in the background outlives kill -9 of the front end that took it, of all of them, and of the engine."""

import http.client
import json
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.deployment import Deployment, client_ports
from support.redis_server import RedisServer

from penstock.bench.processes import command_line

BODY: dict[str, Any] = {
    "input": "Tell me a long story.",
    "seed": 7,
    "temperature": 1.0,
    "ignore_eos": True,
    "max_output_tokens": 1200,
}
PATH = "/v1/responses"
FRONTENDS, ENGINE = "penstock.frontend", "penstock.engine_core"


class Kept:
    """A deployment whose store can be looked into."""

    def __init__(self, server: Deployment, path: Path) -> None:
        self.server = server
        self._path = path

    def taker(self, response_id: str) -> int:
        """The process that writes the response now."""
        with sqlite3.connect(self._path) as db:
            (owner,) = db.execute(
                "SELECT owner FROM responses WHERE id = ?", (response_id,)
            ).fetchone()
        name = f"--frontend-id={owner.partition('/')[0]}"
        (pid,) = (p for p in self.server.pids(FRONTENDS) if name in command_line(p))
        return pid


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    path = tmp_path_factory.mktemp("store") / "responses.sqlite"
    with Deployment("--responses-store", str(path)) as server:
        yield Kept(server, path)


@pytest.fixture(scope="module")
def whole(kept: Kept) -> str:
    """The text when nobody dies."""
    text = text_of(kept.server.post(PATH, BODY)[1])
    assert len(text) > 1000
    return text


def text_of(response: dict[str, Any]) -> str:
    return "".join(part["text"] for item in response["output"] for part in item["content"])


def begun(server: Deployment) -> str:
    """One of which something is written already."""
    response_id: str = server.post(PATH, BODY | {"background": True})[1]["id"]
    path = f"{PATH}/{response_id}"
    server.wait_until(lambda: server.get(path)[1]["status"] == "in_progress", 60)
    return response_id


def asked(server: Deployment, path: str) -> dict[str, Any]:
    """Nothing while no front end answers."""
    try:
        status, response = server.get(path)
    except (OSError, http.client.HTTPException):
        return {}
    return dict(response) if status == 200 else {}


def ended(server: Deployment, response_id: str) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def is_over() -> bool:
        found.update(asked(server, f"{PATH}/{response_id}"))
        return found.get("status") not in (None, "queued", "in_progress")

    server.wait_until(is_over, 180)
    return found


def events_of(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(event.split("\ndata: ")[1]) for event in data.decode().split("\n\n")[:-1]]


VICTIMS: dict[str, Callable[[Kept, str], list[int]]] = {
    "all front ends": lambda kept, _: kept.server.pids(FRONTENDS),
    "the engine": lambda kept, _: kept.server.pids(ENGINE),
    "its front end": lambda kept, name: [kept.taker(name)],
    "its front end and the engine": lambda kept, name: [kept.taker(name), *kept.server.pids(ENGINE)],
}  # fmt: skip
WITNESSES = {"the engine": "1 streams wait"}


@pytest.mark.parametrize("victims", VICTIMS)
def test_the_text_is_the_same_whoever_dies(kept: Kept, whole: str, victims: str) -> None:
    server = kept.server
    said_before = server.log()
    response_id = begun(server)
    for pid in VICTIMS[victims](kept, response_id):
        os.kill(pid, signal.SIGKILL)
    found = ended(server, response_id)
    assert (found["status"], text_of(found)) == ("incomplete", whole)
    server.wait_until(server.is_whole, 60)
    said = server.log().removeprefix(said_before)
    assert WITNESSES.get(victims, f"{response_id} goes on here") in said, "it was over by then"


def test_who_follows_it_elsewhere_misses_nothing(kept: Kept, whole: str) -> None:
    server = kept.server
    response_id = begun(server)
    taker = kept.taker(response_id)
    connection = connected_to_another(server, taker)
    connection.request("GET", f"{PATH}/{response_id}?stream=true")
    answer = connection.getresponse()
    os.kill(taker, signal.SIGKILL)
    events = events_of(answer.read())
    connection.close()
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert events[-1]["type"] == "response.incomplete"
    deltas = [e["delta"] for e in events if e["type"] == "response.output_text.delta"]
    assert "".join(deltas) == whole


def connected_to_another(server: Deployment, pid: int) -> http.client.HTTPConnection:
    """Than `pid`, though all share the port."""
    for _ in range(100):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
        connection.request("GET", "/ping")
        connection.getresponse().read()
        assert connection.sock is not None
        if connection.sock.getsockname()[1] not in client_ports(pid, server.port):
            return connection
        connection.close()
    raise AssertionError("a hundred connections went to one front end")


def test_another_host_goes_on_when_one_is_lost(whole: str) -> None:
    with RedisServer() as redis:
        store = ("--responses-store", redis.url, "--api-server-count", "1")
        with Deployment(*store) as there:
            with Deployment(*store) as here:
                response_id = begun(here)
                here.lose()
            found = ended(there, response_id)
            assert (found["status"], text_of(found)) == ("incomplete", whole)
            assert f"{response_id} goes on here" in there.log()
