"""Tells whoever started this process how it is, as systemd's sd_notify does. Knows one socket, no process.

Who starts programs gives them the path of a datagram socket in NOTIFY_SOCKET; they write `READY=1` there once
they serve. Without the variable nobody wants to know.
"""

import asyncio
import contextlib
import os
import socket
from pathlib import Path

VARIABLE = "NOTIFY_SOCKET"
READY, RELOADING, STOPPING = "READY=1", "RELOADING=1", "STOPPING=1"
MAX_BYTES = 4096


def notify(state: str) -> None:
    """Says `state`, if somebody listens. That nobody does any more is no failure."""
    path = os.environ.get(VARIABLE)
    if not path:
        return
    name = "\0" + path[1:] if path.startswith("@") else path
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as speaker:
        speaker.sendto(state.encode(), name)


class Ear:
    """Where programs started by this one say that they are ready. A context manager, inside a running loop."""

    def __init__(self, folder: Path) -> None:
        self.is_ready = False
        self._path = folder / "notices"

    @property
    def environ(self) -> dict[str, str]:
        return {VARIABLE: str(self._path)}

    def __enter__(self) -> "Ear":
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._path.unlink(missing_ok=True)
        self._socket.bind(str(self._path))
        asyncio.get_running_loop().add_reader(self._socket, self._hear)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _hear(self) -> None:
        with contextlib.suppress(BlockingIOError):
            said = self._socket.recv(MAX_BYTES).decode(errors="replace").splitlines()
            self.is_ready = self.is_ready or READY in said
