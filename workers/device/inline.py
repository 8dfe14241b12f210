"""A device that is the host: everything is done when it is asked for. Knows no model and no steps."""

from collections.abc import Callable, Sequence

import torch

from penstock.workers.device.stream import Arrival, Mark

CPU = torch.device("cpu")


class Passed:
    """A mark that needs no waiting."""

    def wait(self) -> None:
        """Over at once."""


class Here:
    """An arrival without a way."""

    def __init__(self, tensors: Sequence[torch.Tensor]) -> None:
        self._tensors = list(tensors)

    def is_here(self) -> bool:
        return True

    def wait(self) -> list[torch.Tensor]:
        return self._tensors


class Inline:
    """See `Stream`. A graph is the work itself."""

    @property
    def device(self) -> torch.device:
        return CPU

    @property
    def is_late(self) -> bool:
        return False

    @property
    def captured_bytes(self) -> int:
        """See `Stream`."""
        return 0

    def staging(self, num_bytes: int) -> torch.Tensor:
        """See `Stream`."""
        return torch.empty(num_bytes, dtype=torch.uint8)

    def send(self, staged: torch.Tensor, to: torch.Tensor) -> Mark:
        """See `Stream`."""
        to.copy_(staged)
        return Passed()

    def bring(self, tensors: Sequence[torch.Tensor]) -> Arrival:
        """See `Stream`. Nothing is copied: what a step leaves to be brought is its own."""
        return Here(tensors)

    def capture(self, work: Callable[[], None]) -> Callable[[], None]:
        """See `Stream`."""
        work()
        return work


INLINE = Inline()
