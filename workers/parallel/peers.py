"""How the ranks of one stage add up and put together what each has a share of. Knows tensors, no model.

Every rank makes the same calls in the same order, or all wait for ever.
"""

from typing import Protocol

import torch
from torch import distributed


class Peers(Protocol):
    """The ranks that share each layer."""

    def total(self, x: torch.Tensor) -> torch.Tensor:
        """The sum of what all ranks have; may overwrite `x`."""
        ...

    def side_by_side(self, x_NI: torch.Tensor, num_columns: int) -> torch.Tensor:
        """All ranks' columns, [N, num_columns]. Equally many each, but for the last."""
        ...

    def from_first(self, ids_N: torch.Tensor) -> torch.Tensor:
        """What the first rank has, int64, wherever the ranks compute; overwrites the others' `ids_N`."""
        ...


class Alone:
    """One rank holds all."""

    def total(self, x: torch.Tensor) -> torch.Tensor:
        return x

    def side_by_side(self, x_NI: torch.Tensor, num_columns: int) -> torch.Tensor:
        assert x_NI.shape[1] == num_columns
        return x_NI

    def from_first(self, ids_N: torch.Tensor) -> torch.Tensor:
        return ids_N


ALONE = Alone()


class ProcessPeers:
    """Over torch.distributed. `first` is the first rank's number in the world."""

    def __init__(self, group: distributed.ProcessGroup, first: int) -> None:
        self._group = group
        self._first = first
        self._size = distributed.get_world_size(group)

    def total(self, x: torch.Tensor) -> torch.Tensor:
        """See `Peers`."""
        distributed.all_reduce(x, group=self._group)
        return x

    def side_by_side(self, x_NI: torch.Tensor, num_columns: int) -> torch.Tensor:
        """See `Peers`."""
        width = -(-num_columns // self._size)
        mine_NW = torch.nn.functional.pad(x_NI, (0, width - x_NI.shape[1])).contiguous()
        shares_NW = [torch.empty_like(mine_NW) for _ in range(self._size)]
        distributed.all_gather(shares_NW, mine_NW, group=self._group)
        return torch.cat(shares_NW, dim=1)[:, :num_columns].contiguous()

    def from_first(self, ids_N: torch.Tensor) -> torch.Tensor:
        """See `Peers`."""
        distributed.broadcast(ids_N, self._first, group=self._group)
        return ids_N
