"""Layers of which each rank holds a share. Know tensors and peers, not which part they are.

Legend: T tokens, D hidden, I inputs, O outputs.
"""

import torch

from penstock.workers.backend import Backend
from penstock.workers.models.basic_layers import Embedding, Linear
from penstock.workers.parallel.peers import Alone, Peers


class SummedLinear(Linear):
    """Each rank holds some of the inputs; what it makes of them is added up. The bias is added once."""

    def __init__(
        self, num_inputs: int, num_outputs: int, bias: bool, backend: Backend, peers: Peers
    ) -> None:
        super().__init__(num_inputs, num_outputs, backend, bias=bias)
        self._peers = peers

    def forward(self, x_TI: torch.Tensor) -> torch.Tensor:
        out_TO = self._peers.total(self.product(x_TI))
        return out_TO if self.bias is None else out_TO + self.bias


class SplitEmbedding(Embedding):
    """Each rank holds some rows of the vocabulary; for tokens of others it adds nothing."""

    def __init__(self, rows: range, size: int, backend: Backend, peers: Peers) -> None:
        super().__init__(len(rows), size, backend)
        self._rows = rows
        self._peers = peers

    def forward(self, token_ids_T: torch.Tensor) -> torch.Tensor:
        own_T = (token_ids_T >= self._rows.start) & (token_ids_T < self._rows.stop)
        places_T = torch.where(own_T, token_ids_T - self._rows.start, 0)
        found_TD = super().forward(places_T) * own_T.unsqueeze(1)
        return self._peers.total(found_TD)


def summed_linear(
    num_inputs: int, num_outputs: int, bias: bool, backend: Backend, peers: Peers
) -> Linear:
    """One rank alone adds the bias within its product."""
    if isinstance(peers, Alone):
        return Linear(num_inputs, num_outputs, backend, bias=bias)
    return SummedLinear(num_inputs, num_outputs, bias, backend, peers)


def split_embedding(rows: range, size: int, backend: Backend, peers: Peers) -> Embedding:
    """One rank alone holds all rows."""
    return (
        Embedding(len(rows), size, backend)
        if isinstance(peers, Alone)
        else SplitEmbedding(rows, size, backend, peers)
    )
