"""One GPU as a stream of work: pinned memory, events, CUDA graphs. Knows no model and no steps.

All goes into the device's default stream, copies too: they are small, and so nothing needs to be ordered by hand.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from penstock.workers.device.stream import Arrival, Mark

_EVENT: Any = torch.cuda.Event
"""torch has no types for it."""


class _Event:
    def __init__(self, device: torch.device) -> None:
        self._event = _EVENT()
        self._event.record(torch.cuda.current_stream(device))

    def is_passed(self) -> bool:
        return bool(self._event.query())

    def wait(self) -> None:
        self._event.synchronize()


class _Coming:
    def __init__(self, tensors: list[torch.Tensor], event: _Event) -> None:
        self._tensors = tensors
        self._event = event

    def is_here(self) -> bool:
        return self._event.is_passed()

    def wait(self) -> list[torch.Tensor]:
        self._event.wait()
        return self._tensors


class CudaStream:
    """See `Stream`. All its graphs share one pool of memory, since no two of them ever run at once."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._pool: Any = None
        self._captured_bytes = 0

    @property
    def device(self) -> torch.device:
        return self._device

    @property
    def is_late(self) -> bool:
        return True

    @property
    def captured_bytes(self) -> int:
        """See `Stream`. As the driver told it before and after: what torch holds idle, it has given back by then."""
        return self._captured_bytes

    def staging(self, num_bytes: int) -> torch.Tensor:
        """See `Stream`."""
        return torch.empty(num_bytes, dtype=torch.uint8, pin_memory=True)

    def send(self, staged: torch.Tensor, to: torch.Tensor) -> Mark:
        """See `Stream`."""
        to.copy_(staged, non_blocking=True)
        return _Event(self._device)

    def bring(self, tensors: Sequence[torch.Tensor]) -> Arrival:
        """See `Stream`. torch keeps the pinned memory for the next ones."""
        home = [torch.empty(x.shape, dtype=x.dtype, pin_memory=True) for x in tensors]
        for here, there in zip(home, tensors, strict=True):
            here.copy_(there, non_blocking=True)
        return _Coming(home, _Event(self._device))

    def capture(self, work: Callable[[], None]) -> Callable[[], None]:
        """See `Stream`. The first time is for what is made on first use: kernels, workspaces, connections of NCCL."""
        work()
        if self._pool is None:
            self._pool = torch.cuda.graph_pool_handle()
        graph, before = torch.cuda.CUDAGraph(), self._taken_bytes()
        # Other threads (grammars, NCCL's watchdog) may go on meanwhile: only this one's calls are restricted.
        with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
            work()
        self._captured_bytes += max(0, self._taken_bytes() - before)
        return graph.replay

    def _taken_bytes(self) -> int:
        torch.cuda.synchronize(self._device)
        torch.cuda.empty_cache()
        free, total = torch.cuda.mem_get_info(self._device)
        return total - free
