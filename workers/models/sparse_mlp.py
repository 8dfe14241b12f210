"""A mixture of experts where other layers have an MLP. Knows tensors and peers, no families.

Each rank holds a share of every expert's width, so that all ranks have equal work whatever the router chooses.

Legend: T tokens, D hidden, E experts, I the rank's share of an expert's width, J = 2 I.
"""

import torch
from torch import nn

from penstock.workers.backend import Backend
from penstock.workers.model_config import ExpertsConfig
from penstock.workers.models.basic_layers import ExactLinear, Matrix
from penstock.workers.models.mlp import MLP
from penstock.workers.models.quantized_matrix import through_experts
from penstock.workers.parallel.peers import Peers


class Experts(nn.Module):
    """One after another in each matrix, as the loader wants it; as three dimensions where they are used."""

    def __init__(self, config: ExpertsConfig, hidden_size: int, backend: Backend) -> None:
        super().__init__()
        self._backend = backend
        self._num_experts = config.num_experts
        self.gate_up = Matrix(config.num_experts * 2 * config.width, hidden_size, backend)
        self.down = Matrix(config.num_experts * hidden_size, config.width, backend)

    def forward(
        self, x_TD: torch.Tensor, weights_TK: torch.Tensor, experts_TK: torch.Tensor
    ) -> torch.Tensor:
        gate_up, down = self.gate_up, self.down
        if gate_up.quantized is not None and down.quantized is not None:
            return through_experts(
                x_TD, gate_up.quantized, down.quantized, weights_TK, experts_TK, self._num_experts
            )
        return self._backend.ops.fused_experts(
            x_TD, self._by_expert(gate_up.weight), self._by_expert(down.weight), weights_TK,
            experts_TK, batch_invariant=self._backend.batch_invariant,
        )  # fmt: skip

    def _by_expert(self, weight: torch.Tensor) -> torch.Tensor:
        return weight.view(self._num_experts, -1, weight.shape[1])


class SparseMLP(nn.Module):
    """Router, experts, and perhaps an MLP behind a gate that every token goes through."""

    def __init__(
        self, config: ExpertsConfig, hidden_size: int, backend: Backend, peers: Peers
    ) -> None:
        super().__init__()
        self._ops = backend.ops
        self._config = config
        self._peers = peers
        self.router = ExactLinear(hidden_size, config.num_experts, backend)
        self.experts = Experts(config, hidden_size, backend)
        if config.shared_width:
            self.shared = MLP(
                hidden_size, config.shared_width, bias=False, backend=backend, peers=peers
            )
            self.shared_gate = ExactLinear(hidden_size, 1, backend)

    def forward(self, x_TD: torch.Tensor) -> torch.Tensor:
        weights_TK, experts_TK = self._ops.route(
            self.router(x_TD), self._config.num_chosen, normalize=self._config.normalizes
        )
        out_TD = self._peers.total(self.experts(x_TD, weights_TK, experts_TK))
        if not self._config.shared_width:
            return out_TD
        shared_TD: torch.Tensor = self.shared_gate(x_TD).sigmoid() * self.shared(x_TD)
        return out_TD + shared_TD
