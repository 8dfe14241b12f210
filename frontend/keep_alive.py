"""Breaks a stream's silence before proxies take it for dead. Knows the clock, not what is said."""

import asyncio
from collections.abc import Callable
from typing import Self


class KeepAlive:
    """A context manager: meanwhile `say` is called so often that no silence is longer than `interval_s`.

    Whoever sends something else sets `is_silent` to False, which costs it nothing: the clock looks twice in an
    interval. 0 seconds are no interval.
    """

    def __init__(self, interval_s: float, say: Callable[[], None]) -> None:
        self.is_silent = True
        self._look_s = interval_s / 2
        self._say = say
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        if self._look_s:
            self._wait()
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._look_s, self._look)

    def _look(self) -> None:
        if self.is_silent:
            self._say()
        self.is_silent = True
        self._wait()
