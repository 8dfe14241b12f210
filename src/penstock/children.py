"""Runs one program and keeps it running. Knows processes and back-off, not what the programs do."""

import asyncio
import contextlib
import ctypes
import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO

log = logging.getLogger("penstock.serve")

FIRST_DELAY_S, LONGEST_DELAY_S = 0.05, 10.0
STEADY_S = 10.0
"""A child that lived so long has earned a quick restart again."""
READ_BYTES = 1 << 14


def die_with_parent() -> Callable[[], None]:
    """For `preexec_fn`: the kernel asks the child to end when the one who started it is gone."""
    prctl = ctypes.CDLL(None).prctl
    set_parent_death_signal = 1
    return lambda: prctl(set_parent_death_signal, signal.SIGTERM)


class Child:
    """A program that is started again whenever it ends without having been asked to.

    `give_up(exit_status)` says whether an end is final; it is asked before each restart. `hear` gets what it
    writes to stderr, which is else ours.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        give_up: Callable[[int], bool],
        environ: Mapping[str, str] | None = None,
        hear: Callable[[bytes], None] | None = None,
    ) -> None:
        self.name = name
        self._hear = hear
        self._environ = {**os.environ, **(environ or {})}
        self.restarts = 0
        self._argv = list(argv)
        self._give_up = give_up
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = asyncio.Event()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    async def run(self) -> int:
        """Returns the exit status that ended it for good."""
        delay, status = FIRST_DELAY_S, 0
        while not self._stopping.is_set():
            started = time.monotonic()
            status = await self._run_once()
            if self._stopping.is_set() or self._is_final(status):
                break
            delay = FIRST_DELAY_S if time.monotonic() - started > STEADY_S else delay
            log.warning("%s ended (%s); restarting in %.2f s", self.name, describe(status), delay)
            await self._pause(delay)
            delay = min(2 * delay, LONGEST_DELAY_S)
            self.restarts += 1
        return status

    def _is_final(self, status: int) -> bool:
        gives_up = self._give_up(status)
        if gives_up:
            end = describe(status)
            log.error("%s ended (%s) and is not restarted; its last lines say why", self.name, end)
        return gives_up

    async def _pause(self, delay_s: float) -> None:
        """Ends early when the child is no longer wanted."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), delay_s)

    async def _run_once(self) -> int:
        self._process = process = self._spawn()
        log.debug("%s started, pid %d", self.name, process.pid)
        ear = None
        if self._hear and process.stderr:
            ear = _Ear(process.stderr, self._hear)
        await _end_of(process.pid)
        if ear is not None:
            ear.close()
        return process.wait()

    def _spawn(self) -> "subprocess.Popen[bytes]":
        # Its own process group: Ctrl-C reaches the supervisor alone, which then stops things in order.
        return subprocess.Popen(
            self._argv,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE if self._hear else None,
            env=self._environ,
            process_group=0,
            preexec_fn=die_with_parent(),  # noqa: PLW1509  bound before the fork, it only calls libc
        )

    def stop(self) -> None:
        """Asks it to end well; `run` then returns instead of restarting."""
        self._stopping.set()
        self._signal(signal.SIGTERM)

    def hang_up(self) -> None:
        """Asks it to read its files again."""
        self._signal(signal.SIGHUP)

    def kill(self) -> None:
        self._stopping.set()
        self._signal(signal.SIGKILL)

    def _signal(self, signum: signal.Signals) -> None:
        if self._process and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signum)


class _Ear:
    """Reads a pipe as it fills, and at the end what is left: others may hold it open for longer."""

    def __init__(self, pipe: IO[bytes], hear: Callable[[bytes], None]) -> None:
        self._pipe, self._hear = pipe, hear
        self._loop = asyncio.get_running_loop()
        os.set_blocking(pipe.fileno(), False)
        self._loop.add_reader(pipe.fileno(), self._read)

    def close(self) -> None:
        while self._read():
            pass
        if not self._pipe.closed:
            self._end()

    def _read(self) -> bool:
        """Whether there may be more."""
        if self._pipe.closed:
            return False
        with contextlib.suppress(BlockingIOError):
            chunk = os.read(self._pipe.fileno(), READ_BYTES)
            if chunk:
                self._hear(chunk)
                return True
            self._end()
        return False

    def _end(self) -> None:
        self._loop.remove_reader(self._pipe.fileno())
        self._pipe.close()


async def _end_of(pid: int) -> None:
    """By a descriptor: asyncio's way needs a child watcher, which not every event loop policy has."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    descriptor = os.pidfd_open(pid)
    loop.add_reader(descriptor, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def describe(status: int) -> str:
    """An exit status in words."""
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
