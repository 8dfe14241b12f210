"""Turns queries and keys by their positions and writes keys and values into the cache. Knows slots, not blocks.

Legend: T tokens, H query heads, G KV heads, N = H + G, D head dimension, E half the rotary dimension, S cache slots.
"""

import torch

from penstock.kernels.reference.rope import rope
from penstock.kernels.reference.store_kv import store_kv


def rope_store_kv(
    qk_TND: torch.Tensor,
    v_TGD: torch.Tensor,
    cos_TE: torch.Tensor,
    sin_TE: torch.Tensor,
    k_cache_SGD: torch.Tensor,
    v_cache_SGD: torch.Tensor,
    slots_T: torch.Tensor,
    *,
    k_scale: float = 1.0,
    v_scale: float = 1.0,
) -> torch.Tensor:
    """Returns the queries, [T, H, D]. `qk_TND` has the query heads first, then the key heads."""
    num_heads = qk_TND.shape[1] - v_TGD.shape[1]
    assert num_heads > 0, (qk_TND.shape, v_TGD.shape)
    turned_TND = rope(qk_TND, cos_TE, sin_TE)
    store_kv(
        turned_TND[:, num_heads:], v_TGD, k_cache_SGD, v_cache_SGD, slots_T,
        k_scale=k_scale, v_scale=v_scale,
    )  # fmt: skip
    return turned_TND[:, :num_heads]
