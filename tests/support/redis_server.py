"""A Redis of a test's own, where there is one to start. Knows processes, not what is kept."""

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

import pytest

READY_S = 60.0


class RedisServer:
    """A context manager: listens on a Unix socket of its own on entry, and is gone on exit."""

    def __init__(self) -> None:
        program = shutil.which("redis-server")
        if program is None:
            pytest.skip("needs redis-server")
        self._folder = tempfile.TemporaryDirectory(prefix="redis-")
        self._socket = Path(self._folder.name, "socket")
        where = ["--dir", self._folder.name, "--unixsocket", str(self._socket), "--port", "0"]
        self._argv = [program, *where, "--save", "", "--appendonly", "yes"]

    @property
    def url(self) -> str:
        return f"unix://{self._socket}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._folder.cleanup()

    def start(self) -> None:
        """Also again, with what it held."""
        self._process = subprocess.Popen(self._argv, stdout=subprocess.DEVNULL)
        end = time.monotonic() + READY_S
        while not self._listens():
            assert self._process.poll() is None, "redis-server ended"
            assert time.monotonic() < end, "redis-server is not ready"
            time.sleep(0.01)

    def _listens(self) -> bool:
        """A socket is there a moment before anybody listens at it."""
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self._socket)) == 0

    def kill(self) -> None:
        self.signal(signal.SIGCONT)
        self._process.kill()
        self._process.wait()
        self._socket.unlink(missing_ok=True)

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)
