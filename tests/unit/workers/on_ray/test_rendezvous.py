"""The relay's door: strangers, the slow and the gone are turned away; the one who knows the secret comes in."""

import socket
import struct
import threading
from collections.abc import Iterator

import pytest

from penstock.workers.on_ray import rendezvous
from penstock.workers.on_ray.rendezvous import accepted

SECRET = b"0123456789abcdef"


@pytest.fixture
def door() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as door:
        yield door


def nothing() -> None:
    pass


def call(door: socket.socket, said: bytes = b"") -> socket.socket:
    caller = socket.create_connection(door.getsockname()[:2])
    caller.sendall(said)
    return caller


def test_the_one_who_knows_the_secret_comes_in(door: socket.socket) -> None:
    with call(door, SECRET) as caller, accepted(door, SECRET, nothing) as far:
        caller.sendall(b"plan")
        assert far.recv(10) == b"plan"
        assert far.gettimeout() is None


def test_it_may_come_in_pieces(door: socket.socket) -> None:
    with call(door, SECRET[:5]) as caller:
        threading.Timer(0.1, caller.sendall, [SECRET[5:]]).start()
        accepted(door, SECRET, nothing).close()


def test_strangers_are_turned_away_and_hold_nobody_up(
    door: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendezvous, "SECRET_TIMEOUT_S", 0.1)
    silent, wrong, gone = call(door), call(door, b"?" * len(SECRET)), call(door)
    gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    gone.close()  # with a reset
    with silent, wrong, call(door, SECRET), accepted(door, SECRET, nothing):
        assert (silent.recv(1), wrong.recv(1)) == (b"", b"")


def test_nobody_comes(door: socket.socket) -> None:
    with pytest.raises(TimeoutError, match="did not come back within 0 s"):
        accepted(door, SECRET, nothing, patience_s=0.05)


def test_whoever_looks_may_know_that_nobody_will(door: socket.socket) -> None:
    def fail() -> None:
        raise RuntimeError("the actor died")

    with pytest.raises(RuntimeError, match="the actor died"):
        accepted(door, SECRET, fail)
