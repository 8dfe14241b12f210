"""Two queues of work on one device: what computes, and what copies beside it. Knows no work.

    compute   [ step 7 ......... ][ gather ][ step 8 ............. ]
    copies                                  [ to the host .. ]          waits for a mark of `compute`

Work of one queue is done in order. Work of the other may come at any time, unless it waits for a mark.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch

from penstock.workers.kv_cache import zeros

Mark = Any
"""A place in a queue, behind all that it had been given."""


class Queue(Protocol):
    def run(self, work: Callable[[], None]) -> None:
        """Some time, in its turn. What `work` touches must live until then."""
        ...

    def mark(self) -> Mark: ...

    def wait(self, mark: Mark) -> None:
        """What comes from now on waits until that place is reached."""
        ...


class Queues(Protocol):
    """A device with its two queues, and memory on both sides of it."""

    compute: Queue
    copies: Queue

    def ids(self, ids: Sequence[int]) -> torch.Tensor:
        """As int64 on the device, for work that is given to `compute` next."""
        ...

    def on_device(self, shape: tuple[int, ...]) -> torch.Tensor:
        """Bytes; what they hold does not matter."""
        ...

    def on_host(self, shape: tuple[int, ...]) -> torch.Tensor:
        """Bytes that `copies` can reach without stopping for them. Raises MemoryError."""
        ...


class Inline:
    """Work is done at once: a CPU has no queues."""

    def run(self, work: Callable[[], None]) -> None:
        work()

    def mark(self) -> Mark:
        return None

    def wait(self, mark: Mark) -> None:
        pass


class CpuQueues:
    """Host memory on both sides."""

    def __init__(self) -> None:
        self.compute: Queue = Inline()
        self.copies: Queue = Inline()

    def ids(self, ids: Sequence[int]) -> torch.Tensor:
        return torch.tensor(ids, dtype=torch.int64)

    def on_device(self, shape: tuple[int, ...]) -> torch.Tensor:
        return torch.empty(shape, dtype=torch.uint8)

    def on_host(self, shape: tuple[int, ...]) -> torch.Tensor:
        return zeros(shape, torch.uint8, torch.device("cpu"))


class CurrentStream:
    """The stream that steps run on."""

    def run(self, work: Callable[[], None]) -> None:
        work()

    def mark(self) -> Mark:
        return torch.cuda.current_stream().record_event()

    def wait(self, mark: Mark) -> None:
        torch.cuda.current_stream().wait_event(mark)


class SideStream:
    """One of its own."""

    def __init__(self, device: torch.device) -> None:
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def run(self, work: Callable[[], None]) -> None:
        with torch.cuda.stream(self._stream):
            work()

    def mark(self) -> Mark:
        return self._stream.record_event()

    def wait(self, mark: Mark) -> None:
        self._stream.wait_event(mark)


class CudaQueues:
    """A GPU; its host memory is page-locked, or copies would wait for the processor."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.compute: Queue = CurrentStream()
        self.copies: Queue = SideStream(device)

    def ids(self, ids: Sequence[int]) -> torch.Tensor:
        pinned = torch.tensor(ids, dtype=torch.int64).pin_memory()
        return pinned.to(self._device, non_blocking=True)

    def on_device(self, shape: tuple[int, ...]) -> torch.Tensor:
        return torch.empty(shape, dtype=torch.uint8, device=self._device)

    def on_host(self, shape: tuple[int, ...]) -> torch.Tensor:
        """Locked where it lies: torch's own page-locked memory comes in powers of two."""
        memory = zeros(shape, torch.uint8, torch.device("cpu"))
        driver: Any = torch.cuda.cudart()  # type: ignore[no-untyped-call]
        status = int(driver.cudaHostRegister(memory.data_ptr(), memory.nbytes, 0))
        if status:
            raise MemoryError(
                f"the system would not page-lock {memory.nbytes} bytes (CUDA error {status})"
            )
        return memory


def queues_of(device: torch.device) -> Queues:
    return CudaQueues(device) if device.type == "cuda" else CpuQueues()
