"""Runs one program and keeps it running. Knows processes and back-off, not what the programs do."""

import asyncio
import contextlib
import ctypes
import logging
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence

log = logging.getLogger("penstock.serve")

FIRST_DELAY_S, LONGEST_DELAY_S = 0.05, 10.0
STEADY_S = 10.0
"""A child that lived so long has earned a quick restart again."""
LAST_WORDS_S = 0.5
"""To read what a child that ended wrote; its own children may hold the pipe open for longer."""
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
        self._process: asyncio.subprocess.Process | None = None
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
        # Its own process group: Ctrl-C reaches the supervisor alone, which then stops things in order.
        self._process = await asyncio.create_subprocess_exec(
            *self._argv,
            stdin=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE if self._hear else None,
            env=self._environ,
            process_group=0,
            preexec_fn=die_with_parent(),
        )
        log.debug("%s started, pid %d", self.name, self._process.pid)
        if self._stopping.is_set():  # it was asked to end while it was being started
            self._signal(signal.SIGTERM)
        relaying = asyncio.create_task(self._relay(self._process))
        status = await self._process.wait()
        await asyncio.wait([relaying], timeout=LAST_WORDS_S)
        relaying.cancel()
        return status

    async def _relay(self, process: asyncio.subprocess.Process) -> None:
        while self._hear and process.stderr and (chunk := await process.stderr.read(READ_BYTES)):
            self._hear(chunk)

    def stop(self) -> None:
        """Asks it to end well; `run` then returns instead of restarting."""
        self._stopping.set()
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._stopping.set()
        self._signal(signal.SIGKILL)

    def _signal(self, signum: signal.Signals) -> None:
        if self._process and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                # Popen.send_signal would reap the child under asyncio's own watcher.
                os.kill(self._process.pid, signum)


def describe(status: int) -> str:
    """An exit status in words."""
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
