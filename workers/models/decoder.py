"""The one decoder of every family. Knows its config, not where it came from, nor sampling.

Legend: T tokens of the step, D hidden, N rows whose logits are wanted, V vocabulary.
"""

import torch
from torch import nn

from penstock.kernels import reference as ops
from penstock.workers.batch import Batch
from penstock.workers.kv_cache import KVCache
from penstock.workers.model_config import ModelConfig
from penstock.workers.models.layers import MLP, Attention, Embedding, Linear, RMSNorm, Step
from penstock.workers.models.rope import Rope


class DecoderLayer(nn.Module):
    def __init__(self, config: ModelConfig, layer: int) -> None:
        super().__init__()
        self.input_norm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.attention = Attention(config, layer)
        self.mlp_norm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.mlp = MLP(config)

    def forward(
        self, x_TD: torch.Tensor, residual_TD: torch.Tensor, step: Step
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Takes and returns what the last part added, not yet in the residual."""
        x_TD, residual_TD = self.input_norm.add(x_TD, residual_TD)
        x_TD = self.attention(x_TD, step)
        x_TD, residual_TD = self.mlp_norm.add(x_TD, residual_TD)
        return self.mlp(x_TD), residual_TD


class DecoderModel(nn.Module):
    """Built without memory, weights or rope: load.py gives it all three."""

    _rope: Rope

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embed = Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(DecoderLayer(config, i) for i in range(config.num_layers))
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        if not config.tie_embeddings:
            self.head = Linear(config.hidden_size, config.vocab_size)

    def use_max_model_len(self, max_model_len: int) -> None:
        """Before the first step, once the longest context to be served is known: see rope.py."""
        self._rope = Rope(self.config.rope, max_model_len, self.embed.weight.device)

    def forward(self, batch: Batch, cache: KVCache) -> torch.Tensor:
        """Hidden states after the final norm; writes the batch's keys and values to the cache."""
        x_TD = self.embed(batch.token_ids_T)
        step = Step(batch, cache, *self._rope.cos_sin(batch.positions_T, x_TD.dtype))
        residual_TD = torch.zeros_like(x_TD)
        for layer in self.layers:
            x_TD, residual_TD = layer(x_TD, residual_TD, step)
        hidden_TD, _ = self.norm.add(x_TD, residual_TD)
        return hidden_TD

    def logits(self, hidden_ND: torch.Tensor) -> torch.Tensor:
        """In float32, whatever the weights are in."""
        table_VD = self.embed.weight if self.config.tie_embeddings else self.head.weight
        return ops.linear(hidden_ND, table_VD).float()
