"""Rope, and the step's keys and values into the cache. See `source/rope_store.cpp`.

The oracles are `reference.rms_norm` by head, `reference.rope` and `reference.store_kv`.

Legend: T tokens, X = (H + 2 G) D columns of the fused projection, H query heads, G KV heads, D head dimension,
M positions of the tables, E half the rotary dimension.
"""

from typing import NamedTuple

import torch

from penstock.kernels.cpu.kv_layout import KVLayout
from penstock.kernels.cpu.library import DTYPE_NAMES
from penstock.kernels.cpu.program import Program


class HeadNorms(NamedTuple):
    """Root-mean-square norms of each head before it is turned, as in Qwen3."""

    q_weight_D: torch.Tensor
    k_weight_D: torch.Tensor
    eps: float


def add_rope_store(
    program: Program,
    qkv_TX: torch.Tensor,
    cos_ME: torch.Tensor,
    sin_ME: torch.Tensor,
    q_THD: torch.Tensor,
    cache: torch.Tensor,
    layout: KVLayout,
    norms: HeadNorms | None = None,
) -> None:
    """Reads float32, writes queries and the cache in the cache's dtype. M must exceed every position."""
    layout.check(cache)
    num_heads, half = q_THD.shape[1], cos_ME.shape[1]
    assert qkv_TX.dtype == cos_ME.dtype == sin_ME.dtype == torch.float32
    assert q_THD.dtype == layout.dtype, (q_THD.dtype, layout)
    assert q_THD.shape[2] == layout.head_dim, (q_THD.shape, layout)
    width = (num_heads + 2 * layout.num_kv_heads) * layout.head_dim
    assert qkv_TX.shape == (len(q_THD), width), (qkv_TX.shape, q_THD.shape, layout)
    assert sin_ME.shape == cos_ME.shape, (sin_ME.shape, cos_ME.shape)
    assert 2 * half <= layout.head_dim, (half, layout)
    q_weight_D, k_weight_D, eps = norms or (None, None, 0.0)
    for weight_D in (q_weight_D, k_weight_D):
        assert weight_D is None or weight_D.shape == (layout.head_dim,), (weight_D, layout)
        assert weight_D is None or weight_D.dtype == layout.dtype, (weight_D, layout)
    program.add(
        f"rope_store_{DTYPE_NAMES[layout.dtype]}",
        qkv_TX, cos_ME, sin_ME, half, q_weight_D, k_weight_D, float(eps), q_THD, cache,
        num_heads, layout.num_kv_heads, layout.head_dim, layout.block_size,
    )  # fmt: skip
