"""One call of attention as both kernels take it. Knows tensors and blocks, not how they are worked on.

Legend: T tokens, S cache slots, H query heads, G KV heads, D head dimension.
"""

import math
from dataclasses import dataclass

import torch
import triton

from penstock.kernels.reference.kv_codes import FP8, as_bits
from penstock.kernels.rows import Rows
from penstock.kernels.triton.attention_blocks import Blocks

_LOG2_E = math.log2(math.e)
_ALL = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionCall:
    q_THD: torch.Tensor
    k_cache_SGD: torch.Tensor
    v_cache_SGD: torch.Tensor
    rows: Rows
    out_THD: torch.Tensor
    block_size: int
    softmax_scale: float
    window: int | None
    v_scale: float
    blocks: Blocks

    @property
    def head_dim(self) -> int:
        return self.q_THD.shape[2]

    @property
    def num_kv_heads(self) -> int:
        return self.k_cache_SGD.shape[1]

    @property
    def group(self) -> int:
        """Query heads of one KV head."""
        return self.q_THD.shape[1] // self.num_kv_heads

    @property
    def scale(self) -> float:
        """Of scores in powers of two."""
        return self.softmax_scale * _LOG2_E

    @property
    def window_or_all(self) -> int:
        return _ALL if self.window is None else self.window

    @property
    def caches(self) -> tuple[torch.Tensor, torch.Tensor]:
        return as_bits(self.k_cache_SGD), as_bits(self.v_cache_SGD)

    @property
    def of_rows(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        return self.rows.starts_P, self.rows.context_R, self.rows.block_tables_RB

    @property
    def strides(self) -> tuple[int, int, int]:
        """From slot to slot, from KV head to KV head, from row to row of the tables."""
        slot_stride, head_stride, _ = self.k_cache_SGD.stride()
        return slot_stride, head_stride, self.rows.block_tables_RB.stride(0)

    @property
    def constants(self) -> dict[str, int]:
        """What both kernels are compiled for."""
        return {
            "BLOCK_SIZE": self.block_size,
            "HEAD_DIM": self.head_dim,
            "HEAD_BLOCK": max(16, triton.next_power_of_2(self.head_dim)),
            "E4M3": self.k_cache_SGD.dtype == FP8,
        }
