"""Writes the keys and values of a step into the cache. Knows slots, not blocks.

Legend: T tokens, S cache slots, G KV heads, D head dimension.
"""

import torch


def store_kv(
    k_TGD: torch.Tensor,
    v_TGD: torch.Tensor,
    k_cache_SGD: torch.Tensor,
    v_cache_SGD: torch.Tensor,
    slots_T: torch.Tensor,
) -> None:
    """No slot may appear twice: which token would win is undefined."""
    assert k_TGD.shape == v_TGD.shape, (k_TGD.shape, v_TGD.shape)
    assert k_TGD.shape[1:] == k_cache_SGD.shape[1:], (k_TGD.shape, k_cache_SGD.shape)
    assert slots_T.shape == k_TGD.shape[:1], (slots_T.shape, k_TGD.shape)
    assert slots_T.dtype == torch.int64, slots_T.dtype
    assert k_TGD.dtype == v_TGD.dtype == k_cache_SGD.dtype == v_cache_SGD.dtype
    k_cache_SGD.index_copy_(0, slots_T, k_TGD)
    v_cache_SGD.index_copy_(0, slots_T, v_TGD)
