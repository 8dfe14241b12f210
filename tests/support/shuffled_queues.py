"""Two queues of work done as late, and in as odd an order, as their marks allow. The twin of a GPU."""

import random
from collections import deque
from collections.abc import Callable, Sequence

import torch

Place = tuple["ShuffledQueue", int]
"""A queue, and how much of it must have been done."""


class ShuffledQueue:
    def __init__(self) -> None:
        self.todo: deque[Callable[[], None] | Place] = deque()
        self.num_given = 0
        self.num_done = 0

    def run(self, work: Callable[[], None]) -> None:
        self._give(work)

    def wait(self, mark: Place) -> None:
        self._give(mark)

    def mark(self) -> Place:
        return self, self.num_given

    def _give(self, item: Callable[[], None] | Place) -> None:
        self.todo.append(item)
        self.num_given += 1

    @property
    def is_ready(self) -> bool:
        """Whether its next piece can be done now."""
        if not self.todo:
            return False
        item = self.todo[0]
        return callable(item) or item[0].num_done >= item[1]

    def advance(self) -> None:
        item = self.todo.popleft()
        if callable(item):
            item()
        self.num_done += 1


class ShuffledQueues:
    """`finish` does all that is left; `advance` some of it. Memory is full of 255 at first."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self.compute = ShuffledQueue()
        self.copies = ShuffledQueue()
        self.num_overtaken = 0
        """How often `compute` was done further while copies that were given earlier still waited."""

    def ids(self, ids: Sequence[int]) -> torch.Tensor:
        return torch.tensor(ids, dtype=torch.int64)

    def on_device(self, shape: tuple[int, ...]) -> torch.Tensor:
        return torch.full(shape, 255, dtype=torch.uint8)

    def on_host(self, shape: tuple[int, ...]) -> torch.Tensor:
        return torch.full(shape, 255, dtype=torch.uint8)

    def advance(self, num_pieces: int) -> None:
        for _ in range(num_pieces):
            ready = [queue for queue in (self.compute, self.copies) if queue.is_ready]
            if not ready:
                return
            queue = self._dice.choice(ready)
            self.num_overtaken += queue is self.compute and self.copies in ready
            queue.advance()

    def finish(self) -> None:
        while self.compute.todo or self.copies.todo:
            assert self.compute.is_ready or self.copies.is_ready, "each waits for the other"
            self.advance(1)
