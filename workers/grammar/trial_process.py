"""The worker's side of trials: a process that is asked, and what its end means. Knows no grammar engine."""

import contextlib
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
    """Starts with the first trial, and again after one that it did not survive. One trial at a time."""

    def __init__(self, tokenizer_file: Path, vocab_size: int) -> None:
        module = "penstock.workers.grammar.trial"
        self._command = [
            *(sys.executable, "-P", "-m", module, str(tokenizer_file), str(vocab_size))
        ]
        self._process: subprocess.Popen[bytes] | None = None
        self._decode = msgspec.msgpack.Decoder(Tried).decode

    def run(self, constraint: Constraint) -> Tried:
        """What the worker can compile. Raises GrammarError."""
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(frame(msgspec.msgpack.encode(constraint)))
            process.stdin.flush()
        answer = _read(process.stdout, time.monotonic() + limits.TRIAL_WALL_S)
        if answer is None:
            raise GrammarError(self._bury(process))
        tried = self._decode(answer)
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
            self._bury(self._process)

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is not None and self._process.poll() is not None:
            self._bury(self._process)
        if self._process is None:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        return self._process

    def _bury(self, process: "subprocess.Popen[bytes]") -> str:
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
            return f"compiling it takes more than {limits.TRIAL_WALL_S:g} s"
        return _ENDS.get(
            -status, f"compiling it ended the process that tried, with status {status}"
        )


def _read(pipe: IO[bytes], deadline: float) -> bytes | None:
    """One message; None when the other side ended or the time is over."""
    reader, waits = FrameReader(), select.poll()
    waits.register(pipe, select.POLLIN)
    while (left_s := deadline - time.monotonic()) > 0:
        if not waits.poll(left_s * 1000):
            return None
        data = pipe.read1(READ_BYTES)  # type: ignore[attr-defined]  # of BufferedReader
        if not data:
            return None
        if messages := reader.feed(data):
            return messages[0]
    return None
