"""Ranks of one model as threads of one process: the same calls, no process groups."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from threading import Barrier
from typing import TypeVar

import torch

from penstock.workers.parallel.company import Company
from penstock.workers.parallel.part import part_of_rank
from penstock.workers.parallel.stages import States

T = TypeVar("T")
PATIENCE_S = 300


class Table:
    """Where the ranks of one stage lay down what they have."""

    def __init__(self, size: int) -> None:
        self.barrier = Barrier(size, timeout=PATIENCE_S)
        self.held: list[torch.Tensor] = [torch.empty(0)] * size


class ThreadPeers:
    def __init__(self, rank: int, table: Table) -> None:
        self._rank = rank
        self._table = table

    def _all(self, x: torch.Tensor) -> list[torch.Tensor]:
        self._table.held[self._rank] = x
        self._table.barrier.wait()
        held = list(self._table.held)
        self._table.barrier.wait()
        return held

    def total(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack(self._all(x)).sum(dim=0)

    def side_by_side(self, x_NI: torch.Tensor, num_columns: int) -> torch.Tensor:
        joined_NV = torch.cat(self._all(x_NI), dim=1)
        assert joined_NV.shape[1] == num_columns
        return joined_NV

    def from_first(self, ids_N: torch.Tensor) -> torch.Tensor:
        return self._all(ids_N)[0]


class ThreadStages:
    def __init__(self, before: SimpleQueue[States], behind: SimpleQueue[States]) -> None:
        self._before = before
        self._behind = behind

    def receive(self, num_tokens: int) -> States:
        states = self._before.get(timeout=PATIENCE_S)
        assert len(states[0]) == num_tokens
        return states

    def send(self, states: States) -> None:
        self._behind.put(states)


def companies(size: int, num_stages: int) -> list[Company]:
    """Of all ranks, stage by stage."""
    lines: list[list[SimpleQueue[States]]] = [
        [SimpleQueue() for _ in range(size)] for _ in range(num_stages + 1)
    ]
    made = []
    for stage in range(num_stages):
        table = Table(size)
        for rank in range(size):
            stages = ThreadStages(lines[stage][rank], lines[stage + 1][rank])
            part = part_of_rank(stage * size + rank, size, num_stages)
            made.append(Company(part, ThreadPeers(rank, table), stages))
    return made


def run_ranks(work: Callable[[Company], T], size: int, num_stages: int) -> list[T]:
    """What each rank made of it."""
    ranks = companies(size, num_stages)
    with ThreadPoolExecutor(len(ranks)) as pool:
        return list(pool.map(work, ranks))
