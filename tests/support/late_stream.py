"""A device that is late: copies are done in their order, but some time after they were asked for. Knows no steps.

Operations themselves run at once, on CPU tensors, as a device's would in its own order. What the host may not do is
found out: whoever reads what has not arrived reads nonsense, and memory that a copy still reads must not change.
"""

import random
from collections import deque
from collections.abc import Callable, Sequence

import torch

NONSENSE = 0x5A
CPU = torch.device("cpu")


class Awaited:
    """A mark and an arrival in one."""

    def __init__(self, stream: "LateStream", place: int, tensors: Sequence[torch.Tensor]) -> None:
        self._stream = stream
        self._place = place
        self._tensors = list(tensors)

    def is_here(self) -> bool:
        self._stream.go_on()
        return self._stream.num_done > self._place

    def wait(self) -> list[torch.Tensor]:
        self._stream.finish(self._place)
        return self._tensors


class LateStream:
    """How late, the dice say: `pace` is the chance that one more copy is done whenever it is asked for anything."""

    def __init__(self, dice: random.Random, pace: float = 0.3) -> None:
        self._dice = dice
        self._pace = pace
        self._copies: deque[Callable[[], None]] = deque()
        self.num_done = 0

    @property
    def device(self) -> torch.device:
        return CPU

    @property
    def is_late(self) -> bool:
        return True

    @property
    def captured_bytes(self) -> int:
        return 0

    def staging(self, num_bytes: int) -> torch.Tensor:
        return torch.full((num_bytes,), NONSENSE, dtype=torch.uint8)

    def send(self, staged: torch.Tensor, to: torch.Tensor) -> Awaited:
        as_sent = staged.clone()
        to.copy_(staged)

        def finish() -> None:
            assert torch.equal(staged, as_sent), "overwritten before it was copied"
            staged.fill_(NONSENSE)

        return self._later(finish, [])

    def bring(self, tensors: Sequence[torch.Tensor]) -> Awaited:
        as_left = [tensor.clone() for tensor in tensors]
        home = [_nonsense(tensor) for tensor in tensors]

        def finish() -> None:
            with torch.inference_mode():
                for here, there in zip(home, as_left, strict=True):
                    here.copy_(there)

        return self._later(finish, home)

    def capture(self, work: Callable[[], None]) -> Callable[[], None]:
        work()
        return work

    def _later(self, finish: Callable[[], None], tensors: Sequence[torch.Tensor]) -> Awaited:
        self.go_on()
        self._copies.append(finish)
        return Awaited(self, self.num_done + len(self._copies) - 1, tensors)

    def go_on(self) -> None:
        while self._copies and self._dice.random() < self._pace:
            self._finish_one()

    def finish(self, place: int) -> None:
        while self.num_done <= place:
            self._finish_one()

    def _finish_one(self) -> None:
        self._copies.popleft()()
        self.num_done += 1


def _nonsense(like: torch.Tensor) -> torch.Tensor:
    flat = torch.full((like.numel() * like.itemsize,), NONSENSE, dtype=torch.uint8)
    return flat.view(like.dtype).view(like.shape)
