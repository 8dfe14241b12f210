"""`api-frontend` as a process of its own, before a fake engine. Knows its log, not its API."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from support.fake_engine import FakeEngine

PROGRAM = ("-m", "penstock.frontend")
LONG_UNREADY = """
import sys
from penstock.frontend import __main__, server
server.NOTICE_S = 3.0
sys.exit(__main__.main())
"""
"""It, with time enough for a busy machine to see how it is unready before it refuses connections."""


class FrontendProgram:
    """A context manager. What it logs is read as it comes."""

    def __init__(
        self,
        model: Path,
        engine: FakeEngine,
        *flags: str,
        environ: Mapping[str, str] | None = None,
        program: Sequence[str] = PROGRAM,
    ) -> None:
        self._argv = [sys.executable, "-P", *program, str(model)]
        self._argv += ["--endpoint", engine.endpoint, "--host", "127.0.0.1", *flags]
        self._environ = environ
        self.lines: list[str] = []

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._argv, stderr=subprocess.PIPE, text=True, env=self._environ
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self.wait(60)
        assert self._process.stderr is not None
        self._process.stderr.close()

    def send_signal(self, signum: signal.Signals) -> None:
        self._process.send_signal(signum)

    def wait(self, timeout_s: float = 60) -> int:
        """Its exit status; `lines` is complete then."""
        status = self._process.wait(timeout_s)
        self._reader.join(timeout_s)
        return status

    def line_with(self, words: str, after: int = 0, timeout_s: float = 60) -> str:
        """The first line, but for `after` ones, that holds `words`, once it is there."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            found = next((line for line in self.lines[after:] if words in line), None)
            if found is not None:
                return found
            assert self._process.poll() is None, "".join(self.lines)
            time.sleep(0.01)
        raise AssertionError(f"it never said {words!r}:\n{''.join(self.lines)}")

    @property
    def address(self) -> str:
        """Once it listens there."""
        return self.line_with("listening on").split()[-1].strip('"}')

    @property
    def port(self) -> int:
        return int(self.address.rsplit(":", 1)[1])

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.lines.append(line)
