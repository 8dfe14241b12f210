"""Steps' inputs on their way to the device, while the host is at the next one's. Knows bytes, not what they mean.

    buffer 0   [ fill n ] copy ........ [ fill n + 2 ] copy ...
    buffer 1              [ fill n + 1 ] copy ........ [ fill n + 3 ]

A buffer is filled again only when its copy is done.
"""

from collections.abc import Callable

import torch

from penstock.workers.device.stream import Mark, Stream

NUM_BUFFERS = 2
_LEAST_BYTES = 1 << 12


class _Buffer:
    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._mark: Mark | None = None
        self.memory = stream.staging(_LEAST_BYTES)

    def take(self, num_bytes: int) -> torch.Tensor:
        """Waits until nobody reads it; grows to a power of two."""
        if self._mark is not None:
            self._mark.wait()
        if len(self.memory) < num_bytes:
            self.memory = self._stream.staging(1 << (num_bytes - 1).bit_length())
        return self.memory[:num_bytes]

    def send(self, to: torch.Tensor) -> None:
        self._mark = self._stream.send(self.memory[: len(to)], to)


class Uploads:
    """Takes turns with its buffers."""

    def __init__(self, stream: Stream) -> None:
        self._buffers = [_Buffer(stream) for _ in range(NUM_BUFFERS)]
        self._turn = 0

    def send(self, to: torch.Tensor, fill: Callable[[torch.Tensor], None]) -> None:
        """Has `fill` write the bytes for `to`, and copies them there."""
        buffer = self._buffers[self._turn]
        self._turn = (self._turn + 1) % NUM_BUFFERS
        fill(buffer.take(len(to)))
        buffer.send(to)
