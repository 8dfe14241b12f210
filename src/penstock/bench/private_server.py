"""A `penstock serve` of a benchmark's own: started, waited for, stopped. Knows its command line, not its parts."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import IO

from penstock.bench.errors import BenchError
from penstock.children import die_with_parent

HOST = "127.0.0.1"
POLL_S = 0.02
STOP_PATIENCE_S = 60.0
LAST_LINES = 20


def free_port() -> int:
    """A TCP port that nobody holds now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


class PrivateServer:
    """A context manager: the process runs on entry, `wait_until_ready` waits, exit stops it in order."""

    def __init__(
        self,
        model: str,
        serve_flags: Sequence[str],
        port: int | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.port = port or free_port()
        self.url = f"http://{HOST}:{self.port}"
        self._argv = [sys.executable, "-P", "-m", "penstock.cli", "serve", model, *serve_flags]
        self._argv += ["--host", HOST, "--port", str(self.port), "--no-access-log"]
        self._environ = {**os.environ, **(environ or {})}

    def __enter__(self) -> "PrivateServer":
        self._log: IO[str] = tempfile.TemporaryFile("w+")
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            self._argv,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=self._environ,
            process_group=0,  # Ctrl-C reaches the benchmark alone, which then stops its server
            preexec_fn=die_with_parent(),  # noqa: PLW1509  bound before the fork, it only calls libc
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._log.close()

    def log(self) -> str:
        """All that it has written until now."""
        self._log.flush()
        return os.pread(self._log.fileno(), 1 << 24, 0).decode(errors="replace")

    def wait_until_ready(self, timeout_s: float) -> None:
        """Raises BenchError, with the server's last lines, when it ends or takes too long."""
        while not self.answers("/ready"):
            self.check_alive(timeout_s)
            time.sleep(POLL_S)

    def check_alive(self, timeout_s: float) -> None:
        """Raises BenchError when it has ended, or runs for longer than that without having got ready."""
        status = self.process.poll()
        if status is not None:
            raise BenchError(f"penstock serve ended with status {status}:\n{self._last_lines()}")
        if time.monotonic() - self.started > timeout_s:
            raise BenchError(f"not ready after {timeout_s:g} s:\n{self._last_lines()}")

    def answers(self, path: str) -> bool:
        """Whether GET `path` is answered with 200 now."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def _last_lines(self) -> str:
        return "\n".join(self.log().splitlines()[-LAST_LINES:])
