"""Turns queries and keys and writes keys and values into the cache; see `reference.rope_store_kv`.

A program takes a token and some of its heads: first come the tiles of query and key heads, then those of values.
Legend: T tokens, H query heads, G KV heads, N = H + G, D head dimension, E half the rotary dimension, S cache slots.
"""

import torch
import triton
import triton.language as tl

from penstock.kernels.reference.kv_codes import FP8, as_bits
from penstock.kernels.triton.e4m3 import to_e4m3

_HEADS = 16


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
    """Heads may lie in a fused qkv; the queries that are returned are contiguous."""
    _check(qk_TND, v_TGD, cos_TE, sin_TE, k_cache_SGD, v_cache_SGD, slots_T)
    num_tokens, num_turned, head_dim = qk_TND.shape
    num_kv_heads, half = v_TGD.shape[1], cos_TE.shape[1]
    shape_THD = (num_tokens, num_turned - num_kv_heads, head_dim)
    q_THD = torch.empty(shape_THD, dtype=qk_TND.dtype, device=qk_TND.device)
    num_turned_tiles = triton.cdiv(num_turned, _HEADS)
    _rope_store_kernel[(num_tokens, num_turned_tiles + triton.cdiv(num_kv_heads, _HEADS))](
        qk_TND, v_TGD, cos_TE, sin_TE, slots_T, q_THD, as_bits(k_cache_SGD), as_bits(v_cache_SGD),
        qk_TND.stride(0), qk_TND.stride(1), v_TGD.stride(0), v_TGD.stride(1),
        k_cache_SGD.stride(0), k_cache_SGD.stride(1), k_scale, v_scale,
        num_turned, num_kv_heads, num_turned_tiles,
        HEAD_DIM=head_dim, HEAD_BLOCK=triton.next_power_of_2(head_dim),
        HALF=half, HALF_BLOCK=triton.next_power_of_2(half), HEADS=_HEADS,
        E4M3=k_cache_SGD.dtype == FP8, num_warps=4,
    )  # fmt: skip
    return q_THD


def _check(
    qk_TND: torch.Tensor, v_TGD: torch.Tensor, cos_TE: torch.Tensor, sin_TE: torch.Tensor,
    k_cache_SGD: torch.Tensor, v_cache_SGD: torch.Tensor, slots_T: torch.Tensor,
) -> None:  # fmt: skip
    assert 2 * cos_TE.shape[1] <= qk_TND.shape[2] == v_TGD.shape[2], (qk_TND.shape, cos_TE.shape)
    assert cos_TE.shape == sin_TE.shape, (cos_TE.shape, sin_TE.shape)
    assert len(qk_TND) == len(v_TGD) == len(cos_TE) == len(slots_T), (qk_TND.shape, slots_T.shape)
    assert k_cache_SGD.shape[1:] == v_TGD.shape[1:], (k_cache_SGD.shape, v_TGD.shape)
    assert k_cache_SGD.dtype == v_cache_SGD.dtype, (k_cache_SGD.dtype, v_cache_SGD.dtype)
    assert k_cache_SGD.dtype in (qk_TND.dtype, FP8), k_cache_SGD.dtype
    assert k_cache_SGD.stride() == v_cache_SGD.stride()
    assert qk_TND.stride(2) == v_TGD.stride(2) == k_cache_SGD.stride(2) == 1
    assert cos_TE.is_contiguous()
    assert sin_TE.is_contiguous()


@triton.jit
def _encode(x, scale, DTYPE: tl.constexpr, E4M3: tl.constexpr):
    """What the cache holds of float32 numbers, which is what the tensors' dtype would hold, rounded once more."""
    return to_e4m3(x / scale) if E4M3 else x.to(DTYPE)


@triton.jit
def _rope_store_kernel(
    qk_ptr, v_ptr, cos_ptr, sin_ptr, slots_ptr, q_out_ptr, k_cache_ptr, v_cache_ptr,
    qk_token_stride, qk_head_stride, v_token_stride, v_head_stride,
    slot_stride, cache_head_stride, k_scale, v_scale, num_turned, num_kv_heads, num_turned_tiles,
    HEAD_DIM: tl.constexpr, HEAD_BLOCK: tl.constexpr, HALF: tl.constexpr, HALF_BLOCK: tl.constexpr,
    HEADS: tl.constexpr, E4M3: tl.constexpr,
):  # fmt: skip
    token = tl.program_id(0).to(tl.int64)
    slot = tl.load(slots_ptr + token).to(tl.int64)
    tile = tl.program_id(1)
    if tile < num_turned_tiles:
        num_q_heads = num_turned - num_kv_heads
        heads = tile * HEADS + tl.arange(0, HEADS)
        from_ptr = qk_ptr + token * qk_token_stride + heads[:, None] * qk_head_stride
        q_ptr = q_out_ptr + (token * num_q_heads + heads[:, None]) * HEAD_DIM
        k_ptr = (
            k_cache_ptr + slot * slot_stride + (heads - num_q_heads)[:, None] * cache_head_stride
        )
        is_q = (heads < num_q_heads)[:, None]
        is_k = ((heads >= num_q_heads) & (heads < num_turned) & (slot >= 0))[:, None]
        _turn(
            from_ptr, q_ptr, k_ptr, cos_ptr + token * HALF, sin_ptr + token * HALF, is_q, is_k,
            k_scale, HEAD_DIM, HEAD_BLOCK, HALF, HALF_BLOCK, E4M3,
        )  # fmt: skip
    else:
        heads = (tile - num_turned_tiles) * HEADS + tl.arange(0, HEADS)
        columns = tl.arange(0, HEAD_BLOCK)[None, :]
        mask = (heads < num_kv_heads)[:, None] & (columns < HEAD_DIM) & (slot >= 0)
        from_ptr = v_ptr + token * v_token_stride + heads[:, None] * v_head_stride
        v = tl.load(from_ptr + columns, mask=mask, other=0.0).to(tl.float32)
        to_ptr = v_cache_ptr + slot * slot_stride + heads[:, None] * cache_head_stride
        tl.store(to_ptr + columns, _encode(v, v_scale, v_ptr.dtype.element_ty, E4M3), mask=mask)


@triton.jit
def _turn(
    from_ptr, q_ptr, k_ptr, cos_ptr, sin_ptr, is_q, is_k, k_scale,
    HEAD_DIM: tl.constexpr, HEAD_BLOCK: tl.constexpr, HALF: tl.constexpr, HALF_BLOCK: tl.constexpr,
    E4M3: tl.constexpr,
):  # fmt: skip
    """A tile of heads: entry i turns with entry i + HALF, what lies beyond both passes."""
    columns = tl.arange(0, HALF_BLOCK)[None, :]
    inside = columns < HALF
    mask = (is_q | is_k) & inside
    first = tl.load(from_ptr + columns, mask=mask, other=0.0).to(tl.float32)
    second = tl.load(from_ptr + HALF + columns, mask=mask, other=0.0).to(tl.float32)
    cos = tl.load(cos_ptr + columns, mask=inside, other=0.0).to(tl.float32)
    sin = tl.load(sin_ptr + columns, mask=inside, other=0.0).to(tl.float32)
    _put(q_ptr, k_ptr, columns, first * cos - second * sin, inside, is_q, is_k, k_scale, E4M3)
    _put(
        q_ptr, k_ptr, HALF + columns, second * cos + first * sin, inside, is_q, is_k, k_scale, E4M3
    )
    if 2 * HALF < HEAD_DIM:
        rest = tl.arange(0, HEAD_BLOCK)[None, :]
        inside = (rest >= 2 * HALF) & (rest < HEAD_DIM)
        passed = tl.load(from_ptr + rest, mask=(is_q | is_k) & inside, other=0.0).to(tl.float32)
        _put(q_ptr, k_ptr, rest, passed, inside, is_q, is_k, k_scale, E4M3)


@triton.jit
def _put(q_ptr, k_ptr, columns, x, inside, is_q, is_k, k_scale, E4M3: tl.constexpr):
    dtype = q_ptr.dtype.element_ty
    rounded = x.to(dtype)
    tl.store(q_ptr + columns, rounded, mask=is_q & inside)
    code = _encode(rounded.to(tl.float32), k_scale, dtype, E4M3)
    tl.store(k_ptr + columns, code, mask=is_k & inside)
