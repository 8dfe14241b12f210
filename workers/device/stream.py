"""The order in which a device works, and what the host must wait for. Knows no model and no steps.

    host     launch n | launch n+1 | collect n | launch n+2 | ...
    device        [ copy in | step n | copy home ][ copy in | step n+1 | copy home ][ ...

Whatever the host asks for is done in that order, so that a step finds what the one before has left on the device. Only
what the host itself wants to read (`Arrival`) or to overwrite (`Mark`) has to be waited for.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import torch


class Mark(Protocol):
    """A place in the order."""

    def wait(self) -> None:
        """Until all before it is done."""
        ...


class Arrival(Protocol):
    """Tensors on their way to the host."""

    def is_here(self) -> bool: ...

    def wait(self) -> list[torch.Tensor]:
        """On the CPU, in the order in which they were named."""
        ...


class Stream(Protocol):
    """`Inline` for CPUs, `CudaStream` for GPUs."""

    @property
    def device(self) -> torch.device: ...

    @property
    def is_late(self) -> bool:
        """Whether the host may be ahead of the device at all."""
        ...

    @property
    def captured_bytes(self) -> int:
        """Memory of the device that all captured work holds."""
        ...

    def staging(self, num_bytes: int) -> torch.Tensor:
        """Memory of the host that `send` reads from, uint8."""
        ...

    def send(self, staged: torch.Tensor, to: torch.Tensor) -> Mark:
        """Copies to the device; `staged` must not change before the mark."""
        ...

    def bring(self, tensors: Sequence[torch.Tensor]) -> Arrival:
        """Starts their way home. They may be overwritten on the device at once."""
        ...

    def capture(self, work: Callable[[], None]) -> Callable[[], None]:
        """Does the work once, and returns what does it again over the same memory.

        The work reads nothing on the host but what never changes.
        """
        ...
