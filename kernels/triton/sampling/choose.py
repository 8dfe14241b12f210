"""One token for each row: the best, a draw from all, or a draw from what filters leave. Knows no requests.

    from all       in the order of ids: the block, then the place inside it
    from some      by falling value, ties by id: top_k and min_p first, then top_p is a share of what they leave

The same definition as the CPU's, on the same number in [0, 1): the same token but where that number falls within
a rounding of the border between two.
R rows, V vocabulary, B blocks of the vocabulary.
"""

import torch
import triton
import triton.language as tl

from penstock.kernels.triton.sampling.logits import (
    BLOCK,
    ONE,
    WEIGHTLESS,
    inverse_of,
    is_number,
    key_of,
    read,
    value_of,
    weight_of,
)
from penstock.kernels.triton.sampling.ranking import (
    find_passing,
    list_blocks,
    nth_largest_bound,
    nth_with_key,
    total_reaching,
)
from penstock.kernels.triton.sampling.scan import block_maxima, block_sums

_COLUMNS = 5
_BEYOND_MOST_BLOCKS = 1 << 23


def choose(logits_RV: torch.Tensor, draws_RC: torch.Tensor, *, greedy: bool) -> torch.Tensor:
    """int64 [R]. `draws_RC` are the records of `draws.DRAW` as float64; the last column's bits are an integer.

    `greedy` says that no temperature is above 0, so that a pass is saved.
    """
    assert logits_RV.dtype == torch.float32, logits_RV.dtype
    assert logits_RV.stride(1) == 1, logits_RV.stride()
    assert draws_RC.shape == (len(logits_RV), _COLUMNS), draws_RC.shape
    num_rows, size = logits_RV.shape
    rows_R = torch.arange(num_rows, device=logits_RV.device)
    maxima_RB = block_maxima(logits_RV, rows_R)
    sums_RB = maxima_RB
    if not greedy:
        sums_RB = block_sums(logits_RV, rows_R, maxima_RB, draws_RC)
    num_blocks = maxima_RB.shape[1]
    assert num_blocks < _BEYOND_MOST_BLOCKS, size
    ids_R = torch.empty(num_rows, dtype=torch.int64, device=logits_RV.device)
    lists_RB = torch.empty(maxima_RB.shape, dtype=torch.int32, device=logits_RV.device)
    _choose_kernel[(num_rows,)](
        logits_RV, draws_RC, draws_RC.view(torch.int64), maxima_RB, sums_RB, lists_RB, ids_R,
        logits_RV.stride(0), size, num_blocks,
        ALL_BLOCKS=triton.next_power_of_2(num_blocks), GREEDY=greedy, num_warps=8,
    )  # fmt: skip
    return ids_R


@triton.jit
def _choose_kernel(
    logits_ptr, draws_ptr, draw_bits_ptr, maxima_ptr, sums_ptr, lists_ptr, ids_ptr,
    stride, size, num_blocks, ALL_BLOCKS: tl.constexpr, GREEDY: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    row_ptr = logits_ptr + row * stride
    blocks = tl.arange(0, ALL_BLOCKS)
    inside = blocks < num_blocks
    maxima = tl.load(maxima_ptr + row * num_blocks + blocks, mask=inside, other=float("-inf"))
    best = tl.max(maxima, axis=0)
    chosen = _take_best(row_ptr, size, maxima, best, blocks, ALL_BLOCKS)
    if not GREEDY:
        temperature = tl.load(draws_ptr + row * 5)
        if (temperature > 0) & is_number(best):
            top_p = tl.load(draws_ptr + row * 5 + 1)
            min_p = tl.load(draws_ptr + row * 5 + 2)
            uniform = tl.load(draws_ptr + row * 5 + 3)
            top_k = tl.load(draw_bits_ptr + row * 5 + 4)
            sums = tl.load(sums_ptr + row * num_blocks + blocks, mask=inside, other=0)
            if (top_k > 0) | (top_p < 1) | (min_p > 0):
                chosen = _draw_from_some(
                    row_ptr, size, maxima, sums, best, lists_ptr + row * num_blocks,
                    temperature, top_p, min_p, uniform, top_k, ALL_BLOCKS,
                )  # fmt: skip
            else:
                chosen = _draw_from_all(row_ptr, size, sums, best, temperature, uniform)
    tl.store(ids_ptr + row, chosen)


@triton.jit
def _take_best(row_ptr, size, maxima, best, blocks, ALL_BLOCKS: tl.constexpr):
    """The lowest id among the largest; 0 for a row without any number."""
    block = tl.min(tl.where(maxima == best, blocks, ALL_BLOCKS), axis=0)
    ids = block * BLOCK + tl.arange(0, BLOCK)
    found = tl.min(tl.where(read(row_ptr, ids, size) == best, ids, 2147483647), axis=0)
    return tl.where(best > float("-inf"), found, 0).to(tl.int64)


@triton.jit
def _part(share, whole):
    """The whole part of share * whole, for a share in [0, 1) and a whole above 0."""
    return tl.minimum((share * whole.to(tl.float64)).to(tl.int64), whole - 1)


@triton.jit
def _draw_from_all(row_ptr, size, sums, best, temperature, uniform):
    target = _part(uniform, tl.sum(sums, axis=0))
    ends = tl.cumsum(sums, axis=0)
    passed = ends <= target
    block = tl.sum(passed.to(tl.int32), axis=0)
    rest = target - tl.sum(tl.where(passed, sums, 0), axis=0)
    places = tl.arange(0, BLOCK)
    ids = block * BLOCK + places
    weights = weight_of(read(row_ptr, ids, size), best, inverse_of(temperature), 0.0)
    place = tl.sum((tl.cumsum(weights, axis=0) <= rest).to(tl.int32), axis=0)
    last = tl.max(tl.where(weights > 0, places, 0), axis=0)
    return (block * BLOCK + tl.minimum(place, last)).to(tl.int64)


@triton.jit
def _bound(keys, best, total, temperature, top_p, min_p, top_k, size, ALL_BLOCKS: tl.constexpr):
    """A key below which nothing can be drawn, from what the draw asks alone."""
    least = min_p * 0.0 - WEIGHTLESS
    if min_p > 0:
        least = tl.maximum(least, tl.log(min_p) - 0.01)
    elif (top_p < 1) & (top_k == 0):
        # All below this share of the vocabulary is together half of what top_p leaves out.
        share = 0.5 * (1.0 - top_p) * (total.to(tl.float64) / ONE) / size
        least = tl.maximum(least, tl.log(tl.maximum(share, 1e-30)) - 0.01)
    value = tl.maximum(best.to(tl.float64) + temperature * tl.minimum(least, 0.0), -3.4e38)
    bound = tl.minimum(key_of(value.to(tl.float32)), key_of(best))
    if (top_k > 0) & (top_k <= ALL_BLOCKS):
        bound = nth_largest_bound(keys, top_k, bound, key_of(best))
    return bound


@triton.jit
def _draw_from_some(
    row_ptr, size, maxima, sums, best, list_ptr, temperature, top_p, min_p, uniform, top_k,
    ALL_BLOCKS: tl.constexpr,
):  # fmt: skip
    inverse = inverse_of(temperature)
    least = min_p.to(tl.float32)
    total = tl.sum(sums, axis=0)
    keys = key_of(maxima)
    low = _bound(keys, best, total, temperature, top_p, min_p, top_k, size, ALL_BLOCKS)
    num_listed = list_blocks(keys, low, list_ptr, ALL_BLOCKS)
    low -= 1
    ties = low * 0
    if (top_k > 0) & (top_k < size):
        low, above = find_passing(
            row_ptr, size, list_ptr, num_listed, top_k - 1, low, best, inverse, least, True
        )
        ties = top_k - above
    if (top_k > 0) | (min_p > 0):
        total = total_reaching(row_ptr, size, list_ptr, num_listed, low + 1, best, inverse, least)
        total += ties * weight_of(value_of(low), best, inverse, least)
    if top_p < 1:
        limit = _part(
            top_p, total
        )  # what lies before the last that is kept is less than top_p of all
        key, above = find_passing(
            row_ptr, size, list_ptr, num_listed, limit, low, best, inverse, least, False
        )
        weight = weight_of(value_of(key), best, inverse, least)
        total = above + ((limit - above) // weight + 1) * weight
    target = _part(uniform, total)
    key, above = find_passing(
        row_ptr, size, list_ptr, num_listed, target, low, best, inverse, least, False
    )
    n = (target - above) // weight_of(value_of(key), best, inverse, least)
    return nth_with_key(row_ptr, size, list_ptr, num_listed, key, n)
