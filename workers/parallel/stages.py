"""How states go from one stage of a model to the next. Knows tensors and neighbours, no model.

Sending does not wait for the neighbour, so that each stage works at another plan.
"""

from typing import Protocol

import torch
from torch import distributed

States = tuple[torch.Tensor, torch.Tensor]
"""What the last layer added, and the residual before it: [T, D] each."""


class Stages(Protocol):
    """The stages before and behind this one."""

    def receive(self, num_tokens: int) -> States:
        """From the stage before; waits for it."""
        ...

    def send(self, states: States) -> None:
        """To the stage behind."""
        ...


class NoStages:
    """A model in one piece has none."""

    def receive(self, num_tokens: int) -> States:
        raise AssertionError("nobody sends states to the first stage")

    def send(self, states: States) -> None:
        raise AssertionError("nobody waits for the last stage's states")


NO_STAGES = NoStages()


class ProcessStages:
    """Over torch.distributed; the neighbours are ranks of the world."""

    def __init__(
        self, before: int, behind: int, hidden_size: int, dtype: torch.dtype, device: torch.device
    ) -> None:
        self._before, self._behind = before, behind
        self._hidden_size, self._dtype, self._device = hidden_size, dtype, device
        self._sent: tuple[distributed.Work, torch.Tensor] | None = None

    def receive(self, num_tokens: int) -> States:
        """See `Stages`."""
        shape = (2, num_tokens, self._hidden_size)
        both_2TD = torch.empty(shape, dtype=self._dtype, device=self._device)
        distributed.recv(both_2TD, self._before)
        return both_2TD[0], both_2TD[1]

    def send(self, states: States) -> None:
        """See `Stages`. Waits where the one before has not been taken yet."""
        if self._sent is not None:
            self._sent[0].wait()
        both_2TD = torch.stack(states)
        work = distributed.isend(both_2TD, self._behind)
        assert work is not None
        self._sent = work, both_2TD  # kept until it is taken
