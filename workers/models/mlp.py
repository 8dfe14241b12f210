"""The gated MLP of most layers. Knows tensors and peers, no families.

Legend: T tokens, D hidden.
"""

import torch
from torch import nn

from penstock.workers.backend import Backend
from penstock.workers.models.basic_layers import Linear
from penstock.workers.models.split_layers import summed_linear
from penstock.workers.parallel.peers import Peers


class MLP(nn.Module):
    """`width` is the rank's share."""

    def __init__(
        self, hidden_size: int, width: int, *, bias: bool, backend: Backend, peers: Peers
    ) -> None:
        super().__init__()
        self._ops = backend.ops
        self.gate_up = Linear(hidden_size, 2 * width, backend, bias=bias)
        self.down = summed_linear(width, hidden_size, bias, backend, peers)

    def forward(self, x_TD: torch.Tensor) -> torch.Tensor:
        out_TD: torch.Tensor = self.down(self._ops.silu_mul(self.gate_up(x_TD)))
        return out_TD
