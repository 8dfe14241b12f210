"""Writes the keys and values of a step into the cache. Knows slots, not blocks.

Legend: T tokens, S cache slots, G KV heads, D head dimension.
"""

import torch

from penstock.kernels.reference.kv_codes import as_bits, to_cache


def store_kv(
    k_TGD: torch.Tensor,
    v_TGD: torch.Tensor,
    k_cache_SGD: torch.Tensor,
    v_cache_SGD: torch.Tensor,
    slots_T: torch.Tensor,
    *,
    k_scale: float = 1.0,
    v_scale: float = 1.0,
) -> None:
    """A token with a negative slot is not written. No slot may appear twice: which would win is undefined."""
    assert k_TGD.shape == v_TGD.shape, (k_TGD.shape, v_TGD.shape)
    assert k_TGD.shape[1:] == k_cache_SGD.shape[1:], (k_TGD.shape, k_cache_SGD.shape)
    assert slots_T.shape == k_TGD.shape[:1], (slots_T.shape, k_TGD.shape)
    assert slots_T.dtype == torch.int64, slots_T.dtype
    assert k_TGD.dtype == v_TGD.dtype, (k_TGD.dtype, v_TGD.dtype)
    assert k_cache_SGD.dtype == v_cache_SGD.dtype, (k_cache_SGD.dtype, v_cache_SGD.dtype)
    written_T = slots_T >= 0
    _store(k_TGD, k_cache_SGD, slots_T, written_T, k_scale)
    _store(v_TGD, v_cache_SGD, slots_T, written_T, v_scale)


def _store(
    x_TGD: torch.Tensor, cache_SGD: torch.Tensor, slots_T: torch.Tensor, written_T: torch.Tensor,
    scale: float,
) -> None:  # fmt: skip
    codes_TGD = to_cache(x_TGD[written_T], cache_SGD.dtype, scale)
    as_bits(cache_SGD).index_copy_(0, slots_T[written_T], as_bits(codes_TGD))
