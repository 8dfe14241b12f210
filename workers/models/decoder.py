"""The one decoder of every family, or a rank's part of it. Knows its config, not where it came from, nor sampling.

Legend: T tokens of the step, D hidden, N rows whose logits are wanted, V vocabulary.
"""

import torch
from torch import nn

from penstock.kernels.ops import EXPERT_OPS
from penstock.workers.backend import Backend
from penstock.workers.batch import Batch
from penstock.workers.kv_cache import KVCache
from penstock.workers.model_config import ModelConfig
from penstock.workers.models.basic_layers import Linear, RMSNorm
from penstock.workers.models.layers import Attention, Step
from penstock.workers.models.mlp import MLP
from penstock.workers.models.rope import Rope
from penstock.workers.models.sparse_mlp import SparseMLP
from penstock.workers.models.split_layers import split_embedding
from penstock.workers.parallel.company import NOBODY, Company
from penstock.workers.parallel.peers import Peers
from penstock.workers.parallel.stages import States


class DecoderLayer(nn.Module):
    def __init__(self, config: ModelConfig, layer: int, backend: Backend, peers: Peers) -> None:
        super().__init__()
        self.input_norm = RMSNorm(config.hidden_size, config.rms_norm_eps, backend)
        self.attention = Attention(config, layer, backend, peers)
        self.mlp_norm = RMSNorm(config.hidden_size, config.rms_norm_eps, backend)
        self.mlp = _mlp(config, layer, backend, peers)

    def forward(self, x_TD: torch.Tensor, residual_TD: torch.Tensor, step: Step) -> States:
        """Takes and returns what the last part added, not yet in the residual."""
        x_TD, residual_TD = self.input_norm.add(x_TD, residual_TD)
        x_TD = self.attention(x_TD, step)
        x_TD, residual_TD = self.mlp_norm.add(x_TD, residual_TD)
        return self.mlp(x_TD), residual_TD


def _mlp(config: ModelConfig, layer: int, backend: Backend, peers: Peers) -> MLP | SparseMLP:
    experts = config.experts
    if experts is not None and experts.layers[layer]:
        return SparseMLP(experts, config.hidden_size, backend, peers)
    width, bias = config.intermediate_size, config.mlp_bias
    return MLP(config.hidden_size, width, bias=bias, backend=backend, peers=peers)


class DecoderModel(nn.Module):
    """Built without memory, weights or rope: load.py gives it all three. `config` then is the rank's part of it."""

    _rope: Rope

    def __init__(self, config: ModelConfig, backend: Backend, company: Company = NOBODY) -> None:
        super().__init__()
        self._backend = backend
        part, peers = company.part, company.peers
        self.config = part.of(config)
        self.company = company
        vocab = part.vocab(config.vocab_size)
        if part.is_first or (part.is_last and config.tie_embeddings):
            self.embed = split_embedding(vocab, config.hidden_size, backend, peers)
        self.layers = nn.ModuleList(
            DecoderLayer(self.config, i, backend, peers) for i in range(self.config.num_layers)
        )
        if part.is_last:
            self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps, backend)
            if not config.tie_embeddings:
                self.head = Linear(config.hidden_size, len(vocab), backend)

    @property
    def dtype(self) -> torch.dtype:
        return next(self.parameters()).dtype

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    @property
    def is_capturable(self) -> bool:
        """Whether a captured graph can hold a forward pass: nothing of it is decided on the host."""
        unused = frozenset() if self.config.experts else EXPERT_OPS
        return self.company.part.num_stages == 1 and not self._backend.ops.READS_ON_HOST - unused

    def use_max_model_len(self, max_model_len: int) -> None:
        """Before the first step, once the longest context to be served is known: see rope.py."""
        self._rope = Rope(self.config.rope, max_model_len, self.device)

    def forward(self, batch: Batch, cache: KVCache) -> torch.Tensor:
        """Hidden states, after the final norm where the model ends here; writes the batch's keys and values."""
        x_TD, residual_TD = self._enter(batch)
        step = Step(batch, cache, *self._rope.cos_sin(batch.positions_T, x_TD.dtype))
        for layer in self.layers:
            x_TD, residual_TD = layer(x_TD, residual_TD, step)
        return self._leave(x_TD, residual_TD)

    def _enter(self, batch: Batch) -> States:
        if not self.company.part.is_first:
            return self.company.stages.receive(len(batch.token_ids_T))
        x_TD = self.embed(batch.token_ids_T)
        return x_TD, torch.zeros_like(x_TD)

    def _leave(self, x_TD: torch.Tensor, residual_TD: torch.Tensor) -> torch.Tensor:
        if not self.company.part.is_last:
            self.company.stages.send((x_TD, residual_TD))
            return x_TD
        hidden_TD, _ = self.norm.add(x_TD, residual_TD)
        return hidden_TD

    def logits(self, hidden_ND: torch.Tensor) -> torch.Tensor:
        """In float32, whatever the weights are in. Of all the vocabulary, on each rank of the last stage."""
        table = self.embed if self.config.tie_embeddings else self.head
        share_NV = table.product(hidden_ND).float()
        return self.company.peers.side_by_side(share_NV, self.config.vocab_size)
