"""Layers of which each rank holds a share. Know tensors and peers, not which part they are.

Legend: T tokens, D hidden, I inputs, O outputs.
"""

import torch

from penstock.kernels import reference as ops
from penstock.workers.models.basic_layers import Embedding, Linear
from penstock.workers.parallel.peers import Alone, Peers


class SummedLinear(Linear):
    """Each rank holds some of the inputs; what it makes of them is added up. The bias is added once."""

    def __init__(self, num_inputs: int, num_outputs: int, bias: bool, peers: Peers) -> None:
        super().__init__(num_inputs, num_outputs, bias=bias)
        self._peers = peers

    def forward(self, x_TI: torch.Tensor) -> torch.Tensor:
        out_TO = self._peers.total(ops.linear(x_TI, self.weight))
        return out_TO if self.bias is None else out_TO + self.bias


class SplitEmbedding(Embedding):
    """Each rank holds some rows of the vocabulary; for tokens of others it adds nothing."""

    def __init__(self, rows: range, size: int, peers: Peers) -> None:
        super().__init__(len(rows), size)
        self._rows = rows
        self._peers = peers

    def forward(self, token_ids_T: torch.Tensor) -> torch.Tensor:
        own_T = (token_ids_T >= self._rows.start) & (token_ids_T < self._rows.stop)
        places_T = torch.where(own_T, token_ids_T - self._rows.start, 0)
        found_TD = ops.embedding(places_T, self.weight) * own_T.unsqueeze(1)
        return self._peers.total(found_TD)


def summed_linear(num_inputs: int, num_outputs: int, bias: bool, peers: Peers) -> Linear:
    """One rank alone adds the bias within its product."""
    if isinstance(peers, Alone):
        return Linear(num_inputs, num_outputs, bias=bias)
    return SummedLinear(num_inputs, num_outputs, bias, peers)


def split_embedding(rows: range, size: int, peers: Peers) -> Embedding:
    """One rank alone holds all rows."""
    return (
        Embedding(len(rows), size)
        if isinstance(peers, Alone)
        else SplitEmbedding(rows, size, peers)
    )
