"""Causal attention over the paged cache; see `reference.paged_attention`. Knows which kernel takes which rows.

Rows of one token read their whole context for it: those are split over many programs. All others are
limited by arithmetic and go by tiles of queries.
Legend: T tokens of the step, S cache slots, H query heads, G KV heads, D head dimension.
"""

import torch

from penstock.kernels.reference.kv_codes import FP8
from penstock.kernels.rows import Rows
from penstock.kernels.triton.attention_blocks import chunk_blocks
from penstock.kernels.triton.attention_call import AttentionCall
from penstock.kernels.triton.attention_chunk import attend_chunks
from penstock.kernels.triton.attention_decode import attend_single
from penstock.kernels.triton.device import device_of


def paged_attention(
    q_THD: torch.Tensor,
    k_cache_SGD: torch.Tensor,
    v_cache_SGD: torch.Tensor,
    rows: Rows,
    *,
    block_size: int,
    scale: float,
    window: int | None = None,
    k_scale: float = 1.0,
    v_scale: float = 1.0,
    batch_invariant: bool = False,
) -> torch.Tensor:
    """With `batch_invariant` one kernel takes all rows, by tiles that only the model and the device decide."""
    _check(q_THD, k_cache_SGD, v_cache_SGD)
    assert window is None or window > 0, window
    group = q_THD.shape[1] // k_cache_SGD.shape[1]
    call = AttentionCall(
        q_THD=q_THD, k_cache_SGD=k_cache_SGD, v_cache_SGD=v_cache_SGD, rows=rows,
        out_THD=torch.empty_like(q_THD), block_size=block_size, softmax_scale=scale * k_scale,
        window=window, v_scale=v_scale,
        blocks=chunk_blocks(
            q_THD.element_size(), q_THD.shape[2], rows.max_query_len * group, device_of(q_THD),
            batch_invariant=batch_invariant,
        ),
    )  # fmt: skip
    if batch_invariant:
        attend_chunks(call, skip_single=False, batch_invariant=True)
        return call.out_THD
    if rows.num_single:
        attend_single(call)
    if rows.max_query_len > 1:
        attend_chunks(call, skip_single=True, batch_invariant=False)
    return call.out_THD


def _check(q_THD: torch.Tensor, k_cache_SGD: torch.Tensor, v_cache_SGD: torch.Tensor) -> None:
    assert q_THD.is_contiguous()
    assert q_THD.shape[1] % k_cache_SGD.shape[1] == 0, (q_THD.shape, k_cache_SGD.shape)
    assert q_THD.shape[2] == k_cache_SGD.shape[2] == v_cache_SGD.shape[2] <= 256
    assert k_cache_SGD.dtype == v_cache_SGD.dtype, (k_cache_SGD.dtype, v_cache_SGD.dtype)
    assert k_cache_SGD.dtype in (q_THD.dtype, FP8), (k_cache_SGD.dtype, q_THD.dtype)
    assert k_cache_SGD.stride() == v_cache_SGD.stride()
    assert k_cache_SGD.stride(2) == 1, k_cache_SGD.stride()
