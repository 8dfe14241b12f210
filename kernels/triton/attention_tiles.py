"""What both attention kernels do to a tile of the context. Knows pages and softmax, not whose queries they are.

    tile      TILE positions of one row's context, at multiples of TILE
    columns   the head dimension, up to a power of two

A running softmax: `best` the largest score so far, `total` the sum of weights and `acc` of weighed values, both
relative to `best`. Scores are in powers of two.
"""

import triton
import triton.language as tl

from penstock.kernels.triton.e4m3 import from_e4m3


@triton.jit
def slots_of(table_ptr, positions, seen, BLOCK_SIZE: tl.constexpr):
    """Where positions lie in the cache; anywhere inside it for those that are not seen."""
    blocks = tl.load(table_ptr + positions // BLOCK_SIZE, mask=seen, other=0).to(tl.int64)
    return blocks * BLOCK_SIZE + positions % BLOCK_SIZE


@triton.jit
def load_codes(cache_ptr, offsets, mask, DTYPE: tl.constexpr, E4M3: tl.constexpr):
    """Numbers of the cache as `DTYPE`, zero where masked: a foreign slot may hold NaN."""
    codes = tl.load(cache_ptr + offsets, mask=mask, other=0)
    return from_e4m3(codes, DTYPE) if E4M3 else codes


@triton.jit
def fold_tile(
    q, k_ptr, v_ptr, slots, seen, visible, columns, slot_stride, scale, best, total, acc,
    HEAD_DIM: tl.constexpr, E4M3: tl.constexpr, MASKED: tl.constexpr,
):  # fmt: skip
    """`seen` says which positions may be read at all, `visible` which of them each query may look at.

    Without MASKED every query looks at all of them.
    """
    inside = columns < HEAD_DIM
    k_offsets = slots[None, :] * slot_stride + columns[:, None]
    k = load_codes(k_ptr, k_offsets, seen[None, :] & inside[:, None], q.dtype, E4M3)
    scores = tl.dot(q, k, input_precision="ieee") * scale
    if MASKED:
        scores = tl.where(visible, scores, float("-inf"))
    new_best = tl.maximum(best, tl.max(scores, axis=1))
    base = tl.where(new_best == float("-inf"), 0.0, new_best)  # a query may see nothing of a tile
    weights = tl.exp2(scores - base[:, None])
    shrink = tl.exp2(best - base)
    v_offsets = slots[:, None] * slot_stride + columns[None, :]
    v = load_codes(v_ptr, v_offsets, seen[:, None] & inside[None, :], q.dtype, E4M3)
    acc = tl.dot(weights.to(q.dtype), v, acc * shrink[:, None], input_precision="ieee")
    return new_best, total * shrink + tl.sum(weights, axis=1), acc
