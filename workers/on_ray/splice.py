"""Carries bytes between two sockets until either ends. Knows no messages."""

import contextlib
import socket
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

CHUNK_BYTES = 1 << 18


def splice(one: socket.socket, other: socket.socket) -> None:
    """Both ways; on return, what had arrived from the end that closed has been passed on, and both are shut down."""
    with ThreadPoolExecutor(2) as pool:
        ways = [pool.submit(_carry, *pair) for pair in ((one, other), (other, one))]
        wait(ways, return_when=FIRST_COMPLETED)
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def _carry(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(CHUNK_BYTES):
            target.sendall(data)
