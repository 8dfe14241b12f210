"""How long something takes on a device, again and again. Knows no case.

On a GPU the host first queues enough reading of foreign memory to be done with queuing the op before the device begins
it: so launches cost what they cost within a captured step, and nothing of the op's is in the cache, nor is anything
there that would have to be written back first.
"""

import math
import time
from collections.abc import Callable
from typing import Protocol

import torch

_LEAST_FLUSHED = 256 << 20
_FLUSHED_CACHES = 4
_LEAST_SAMPLES = 5
_HEAD_START = 1.5


class Clock(Protocol):
    def seconds(self, run: Callable[[], object]) -> list[float]:
        """Of each time it was run; the first, which compiles, is not among them."""
        ...


class HostClock:
    """For the interpreter: one run, by the clock on the wall."""

    def seconds(self, run: Callable[[], object]) -> list[float]:
        started = time.perf_counter()
        run()
        return [time.perf_counter() - started]


class CudaClock:
    """At most `samples` runs, fewer when they would take longer than `budget_s`."""

    def __init__(self, device: torch.device, samples: int, budget_s: float) -> None:
        self._samples = samples
        self._budget_s = budget_s
        cache = torch.cuda.get_device_properties(device).L2_cache_size
        size = max(_LEAST_FLUSHED, _FLUSHED_CACHES * cache)
        self._foreign = torch.zeros(size // 4, dtype=torch.float32, device=device)
        self._flush()
        self._flush_s = min(self._once(self._flush, 0) for _ in range(3))

    def seconds(self, run: Callable[[], object]) -> list[float]:
        run()
        flushes = num_flushes(_queuing_s(run), self._flush_s)
        each_s = self._once(run, flushes) + flushes * self._flush_s
        count = num_samples(each_s, self._samples, self._budget_s)
        pairs = [self._queue(run, flushes) for _ in range(count)]
        torch.cuda.synchronize()
        return [start.elapsed_time(end) / 1e3 for start, end in pairs]

    def _flush(self) -> None:
        self._foreign.sum()

    def _once(self, run: Callable[[], object], flushes: int) -> float:
        start, end = self._queue(run, flushes)
        torch.cuda.synchronize()
        seconds: float = start.elapsed_time(end) / 1e3
        return seconds

    def _queue(
        self, run: Callable[[], object], flushes: int
    ) -> tuple[torch.cuda.Event, torch.cuda.Event]:
        start, end = _event(), _event()
        for _ in range(flushes):
            self._flush()
        start.record()
        run()
        end.record()
        return start, end


def num_flushes(queuing_s: float, flush_s: float) -> int:
    """As many as keep the device busy for longer than the host needs to queue a run."""
    return 1 + math.ceil(_HEAD_START * queuing_s / flush_s)


def num_samples(each_s: float, most: int, budget_s: float) -> int:
    return min(most, max(_LEAST_SAMPLES, int(budget_s / each_s)))


def _event() -> torch.cuda.Event:
    return torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]


def _queuing_s(run: Callable[[], object]) -> float:
    """What the host needs to queue it, the device being idle."""

    def once() -> float:
        torch.cuda.synchronize()
        started = time.perf_counter()
        run()
        return time.perf_counter() - started

    return sorted(once() for _ in range(3))[1]
