"""The worker's side of trials: a process that is asked, and what its end means. Knows no grammar engine."""

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import msgspec

from penstock.protocol.constraint import Constraint
from penstock.protocol.frames import READ_BYTES, FrameReader, frame
from penstock.workers.grammar import limits
from penstock.workers.grammar.errors import GrammarError

_ENDS: dict[int, str] = {
    signal.SIGPROF: f"compiling it takes more than {limits.TRIAL_CPU_S:g} s",
    signal.SIGSEGV: "it is nested too deeply",
    signal.SIGABRT: "compiling it takes too much memory",
    signal.SIGBUS: "compiling it takes too much memory",
}


class Tried(msgspec.Struct, frozen=True, array_like=True):
    """How a trial ended: with an error, or with what the worker can safely compile."""

    error: str = ""
    grammar: str = ""
    num_bytes: int = 0


class TrialProcess:
    """Starts again after a trial that it did not survive. One trial at a time."""

    def __init__(self, tokenizer_file: Path, vocab_size: int) -> None:
        module = "penstock.workers.grammar.trial"
        self._command = [
            *(sys.executable, "-P", "-m", module, str(tokenizer_file), str(vocab_size))
        ]
        self._process: subprocess.Popen[bytes] | None = None
        self._is_ready = False
        self._decode = msgspec.msgpack.Decoder(Tried).decode

    def start(self) -> None:
        """So that the first trial has less to wait for."""
        if self._process is not None and self._process.poll() is not None:
            self._bury(self._process, limits.TRIAL_WALL_S)
        if self._process is None:
            self._is_ready = False
            self._process = subprocess.Popen(
                self._command,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )

    def run(self, constraint: Constraint) -> Tried:
        """What the worker can compile. Raises GrammarError."""
        process = self._ready()
        assert process.stdin is not None
        deadline = time.monotonic() + limits.TRIAL_WALL_S
        _write(process.stdin, frame(msgspec.msgpack.encode(constraint)), deadline)
        tried = self._decode(self._hear(process, deadline, limits.TRIAL_WALL_S))
        if tried.error:
            raise GrammarError(tried.error)
        return tried

    def kill(self) -> None:
        """From any thread: a trial that is running fails."""
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """When no trial is running any more."""
        if self._process is not None:
            self._process.kill()
            self._bury(self._process, limits.TRIAL_WALL_S)

    def _ready(self) -> "subprocess.Popen[bytes]":
        """What it takes to start is no trial's time."""
        self.start()
        process = self._process
        assert process is not None
        if not self._is_ready:
            most_s = limits.TRIAL_START_S
            self._hear(process, time.monotonic() + most_s, most_s)
            self._is_ready = True
        return process

    def _hear(self, process: "subprocess.Popen[bytes]", deadline: float, most_s: float) -> bytes:
        assert process.stdout is not None
        answer = _read(process.stdout, deadline)
        if answer is None:
            raise GrammarError(self._bury(process, most_s))
        return answer

    def _bury(self, process: "subprocess.Popen[bytes]", most_s: float) -> str:
        """Ends it, if it has not ended, and says why it had to."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.2)
        overdue = process.poll() is None
        process.kill()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        status, self._process = process.wait(), None
        if overdue:
            return f"compiling it takes more than {most_s:g} s"
        return _ENDS.get(
            -status, f"compiling it ended the process that tried, with status {status}"
        )


def _write(pipe: IO[bytes], data: bytes, deadline: float) -> None:
    """As much as is taken in time; who then waits for an answer learns why it was not all."""
    rest, waits = memoryview(data), select.poll()
    waits.register(pipe, select.POLLOUT)
    os.set_blocking(pipe.fileno(), False)
    with contextlib.suppress(BrokenPipeError):
        while rest and (left_s := deadline - time.monotonic()) > 0:
            if waits.poll(left_s * 1000):
                rest = rest[os.write(pipe.fileno(), rest) :]


def _read(pipe: IO[bytes], deadline: float) -> bytes | None:
    """One message; None when the other side ended or the time is over."""
    reader, waits = FrameReader(), select.poll()
    waits.register(pipe, select.POLLIN)
    while (left_s := deadline - time.monotonic()) > 0:
        if not waits.poll(left_s * 1000):
            return None
        data = os.read(pipe.fileno(), READ_BYTES)
        if not data:
            return None
        if messages := reader.feed(data):
            return messages[0]
    return None
