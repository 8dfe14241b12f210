"""The parts of a decoder layer. Know tensors and a batch, not which family they serve.

Legend: T tokens, D hidden, H query heads, G KV heads, N heads of either kind, E half the rotary dimension.
"""

from typing import NamedTuple

import torch
from torch import nn

from penstock.workers.backend import Backend
from penstock.workers.batch import Batch
from penstock.workers.kv_cache import KVCache
from penstock.workers.model_config import ModelConfig
from penstock.workers.models.basic_layers import Linear, RMSNorm
from penstock.workers.models.split_layers import summed_linear
from penstock.workers.parallel.peers import Peers


class Step(NamedTuple):
    """What every layer of one forward pass shares."""

    batch: Batch
    cache: KVCache
    cos_TE: torch.Tensor
    sin_TE: torch.Tensor


class Attention(nn.Module):
    def __init__(self, config: ModelConfig, layer: int, backend: Backend, peers: Peers) -> None:
        super().__init__()
        self._backend = backend
        self.config = config
        self.layer = layer
        qkv_size = config.q_size + 2 * config.kv_size
        self.qkv = Linear(config.hidden_size, qkv_size, backend, bias=config.qkv_bias)
        self.o = summed_linear(config.q_size, config.hidden_size, config.o_bias, backend, peers)
        if config.qk_norm:
            self.q_norm = RMSNorm(config.head_dim, config.rms_norm_eps, backend)
            self.k_norm = RMSNorm(config.head_dim, config.rms_norm_eps, backend)

    def forward(self, x_TD: torch.Tensor, step: Step) -> torch.Tensor:
        out_TD: torch.Tensor = self.o(self._attend(*self._qkv(x_TD), step).flatten(1))
        return out_TD

    def _attend(self, qk_TND: torch.Tensor, v_TGD: torch.Tensor, step: Step) -> torch.Tensor:
        ops, cache = self._backend.ops, step.cache
        k_cache_SGD, v_cache_SGD = cache.layer(self.layer)
        k_scale, v_scale = cache.scales(self.layer)
        q_THD = ops.rope_store_kv(
            qk_TND, v_TGD, step.cos_TE, step.sin_TE, k_cache_SGD, v_cache_SGD,
            step.batch.cache_slots_T, k_scale=k_scale, v_scale=v_scale,
        )  # fmt: skip
        return ops.paged_attention(
            q_THD, k_cache_SGD, v_cache_SGD, step.batch.rows,
            block_size=cache.block_size, scale=self.config.head_dim**-0.5,
            window=self.config.windows[self.layer], k_scale=k_scale, v_scale=v_scale,
            batch_invariant=self._backend.batch_invariant,
        )  # fmt: skip

    def _qkv(self, x_TD: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Query and key heads side by side, and the values."""
        config = self.config
        num_rotated = config.num_heads + config.num_kv_heads
        qkv_TND = self.qkv(x_TD).view(len(x_TD), -1, config.head_dim)
        qk_TND, v_TGD = qkv_TND[:, :num_rotated], qkv_TND[:, num_rotated:]
        if config.qk_norm:
            q_THD, k_TGD = qk_TND[:, : config.num_heads], qk_TND[:, config.num_heads :]
            qk_TND = torch.cat((self.q_norm(q_THD), self.k_norm(k_TGD)), dim=1)
        return qk_TND, v_TGD
