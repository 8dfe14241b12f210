"""Lets open requests finish before the process ends. Knows tasks, not sockets and not what they serve."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

LAST_WORDS_S = 1.0
"""How long cancelled requests have to say that they were."""


class Drain:
    """Counts open requests. Once draining begins, waits for them; those that overrun are cancelled."""

    def __init__(self) -> None:
        self._open: set[asyncio.Task[object]] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self.draining = False
        self.expired = False
        """Set before overrunning requests are cancelled: tells them from those whose client left."""

    @property
    def num_open(self) -> int:
        return len(self._open)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Keeps the process alive while the calling task serves one request."""
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        self._idle.clear()
        try:
            yield
        finally:
            self._open.discard(task)
            if not self._open:
                self._idle.set()

    async def finish(self, timeout_s: float) -> None:
        """Returns when nothing is open any more, at the latest shortly after `timeout_s`."""
        self.draining = True
        try:
            await asyncio.wait_for(self._idle.wait(), timeout_s)
        except TimeoutError:
            await self._cut_short()

    async def _cut_short(self) -> None:
        self.expired = True
        for task in self._open:
            task.cancel()
        if self._open:
            await asyncio.wait(self._open.copy(), timeout=LAST_WORDS_S)
