"""Log probabilities of chosen tokens and of the likeliest ones. Knows no sampling.

N tokens, V vocabulary, B blocks of the vocabulary, W columns: the token itself, then the likeliest.
"""

import math

import torch
import triton
import triton.language as tl

from penstock.kernels.triton.sampling.logits import (
    BLOCK,
    LOWEST_KEY,
    NO_KEY,
    is_number,
    key_of,
    read,
)
from penstock.kernels.triton.sampling.ranking import (
    TILE,
    ids_of_tile,
    list_blocks,
    nth_largest_bound,
)
from penstock.kernels.triton.sampling.scan import block_maxima, block_sums

_MOST_RANKED = 64
_ENTRIES = 4096
_NO_RANK: tl.constexpr = tl.constexpr(-(1 << 62))
_LOG_ONE: tl.constexpr = tl.constexpr(44 * math.log(2))

Columns = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def top_logprobs(
    logits_RV: torch.Tensor, rows_N: torch.Tensor, token_ids_N: torch.Tensor, count: int
) -> Columns:
    """ids [N, 1 + count], their log probabilities, and ranks [N]: each token, then the likeliest, ties by id.

    Beyond some dozens all are sorted by torch: whoever asks for so many waits for the copy anyway.
    """
    assert count <= logits_RV.shape[1], (count, logits_RV.shape)
    assert logits_RV.dtype == torch.float32, logits_RV.dtype
    maxima_NB = block_maxima(logits_RV, rows_N)
    neutral_N1 = torch.ones((len(rows_N), 1), dtype=torch.float64, device=logits_RV.device)
    sums_NB = block_sums(logits_RV, rows_N, maxima_NB, neutral_N1)
    ids_NW = torch.empty((len(rows_N), 1 + count), dtype=torch.int64, device=logits_RV.device)
    ids_NW[:, 0] = token_ids_N
    if count > min(_MOST_RANKED, maxima_NB.shape[1]):
        ids_NW[:, 1:] = _sorted_ids(logits_RV[rows_N])[:, :count]
    elif count:
        _rank_likeliest(logits_RV, rows_N, maxima_NB, ids_NW)
    return ids_NW, *_report(logits_RV, rows_N, maxima_NB, sums_NB, ids_NW)


def _sorted_ids(logits_NV: torch.Tensor) -> torch.Tensor:
    known_NV = torch.where(logits_NV.isnan(), -torch.inf, logits_NV)
    return known_NV.sort(dim=1, descending=True, stable=True).indices


def _rank_likeliest(
    logits_RV: torch.Tensor, rows_N: torch.Tensor, maxima_NB: torch.Tensor, ids_NW: torch.Tensor
) -> None:
    lists_NB = torch.empty(maxima_NB.shape, dtype=torch.int32, device=maxima_NB.device)
    _rank_kernel[(len(rows_N),)](
        logits_RV, rows_N, maxima_NB, lists_NB, ids_NW, logits_RV.stride(0), ids_NW.stride(0),
        logits_RV.shape[1], maxima_NB.shape[1], ids_NW.shape[1] - 1,
        ALL_BLOCKS=triton.next_power_of_2(maxima_NB.shape[1]), num_warps=8,
    )  # fmt: skip


def _report(
    logits_RV: torch.Tensor, rows_N: torch.Tensor, maxima_NB: torch.Tensor, sums_NB: torch.Tensor,
    ids_NW: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:  # fmt: skip
    width = ids_NW.shape[1]
    values_NW = torch.empty(ids_NW.shape, dtype=torch.float32, device=ids_NW.device)
    ranks_N = torch.empty(len(ids_NW), dtype=torch.int64, device=ids_NW.device)
    _report_kernel[(len(rows_N),)](
        logits_RV, rows_N, maxima_NB, sums_NB, ids_NW, values_NW, ranks_N, logits_RV.stride(0),
        logits_RV.shape[1], maxima_NB.shape[1], width, ENTRIES=_ENTRIES,
        ALL_BLOCKS=triton.next_power_of_2(maxima_NB.shape[1]), num_warps=8,
    )  # fmt: skip
    return values_NW, ranks_N


@triton.jit
def _rank_kernel(
    logits_ptr, rows_ptr, maxima_ptr, lists_ptr, ids_ptr, stride, id_stride, size, num_blocks,
    count, ALL_BLOCKS: tl.constexpr,
):  # fmt: skip
    which = tl.program_id(0).to(tl.int64)
    row_ptr = logits_ptr + tl.load(rows_ptr + which).to(tl.int64) * stride
    list_ptr = lists_ptr + which * num_blocks
    blocks = tl.arange(0, ALL_BLOCKS)
    inside = blocks < num_blocks
    maxima = tl.load(maxima_ptr + which * num_blocks + blocks, mask=inside, other=float("-inf"))
    keys = tl.where(inside, key_of(maxima), NO_KEY)
    best = tl.max(keys, axis=0)
    bound = nth_largest_bound(keys, count, LOWEST_KEY, best)
    num_listed = list_blocks(keys, bound, list_ptr, ALL_BLOCKS)
    before = (best + 1) << 32
    for place in range(count):
        following = before * 0 + _NO_RANK
        for tile in range(tl.cdiv(num_listed * BLOCK, TILE)):
            ids = ids_of_tile(list_ptr, tile, num_listed)
            ranks = (key_of(read(row_ptr, ids, size)) << 32) - ids
            ranks = tl.where((ids < size) & (ranks < before), ranks, _NO_RANK)
            following = tl.maximum(following, tl.max(ranks, axis=0))
        tl.store(ids_ptr + which * id_stride + 1 + place, (-following) & 0xFFFFFFFF)
        before = following


@triton.jit
def _report_kernel(
    logits_ptr, rows_ptr, maxima_ptr, sums_ptr, ids_ptr, values_ptr, ranks_ptr, stride, size,
    num_blocks, width, ENTRIES: tl.constexpr, ALL_BLOCKS: tl.constexpr,
):  # fmt: skip
    which = tl.program_id(0).to(tl.int64)
    row_ptr = logits_ptr + tl.load(rows_ptr + which).to(tl.int64) * stride
    blocks = tl.arange(0, ALL_BLOCKS)
    inside = blocks < num_blocks
    maxima = tl.load(maxima_ptr + which * num_blocks + blocks, mask=inside, other=float("-inf"))
    sums = tl.load(sums_ptr + which * num_blocks + blocks, mask=inside, other=0)
    best = tl.max(maxima, axis=0)
    known = is_number(best)
    total = tl.where(known, tl.sum(sums, axis=0), 1).to(tl.float64)
    normalizer = tl.where(known, best, 0.0).to(tl.float64) + tl.log(total) - _LOG_ONE
    for place in range(width):
        logit = tl.load(row_ptr + tl.load(ids_ptr + which * width + place)).to(tl.float64)
        value = tl.where(known, (logit - normalizer).to(tl.float32), float("nan"))
        tl.store(values_ptr + which * width + place, value)
    own = tl.load(row_ptr + tl.load(ids_ptr + which * width))
    likelier = tl.zeros([ENTRIES], tl.int32)
    for start in range(0, size, ENTRIES):
        ids = start + tl.arange(0, ENTRIES)
        likelier += (read(row_ptr, ids, size) > own).to(tl.int32)
    tl.store(ranks_ptr + which, 1 + tl.sum(likelier, axis=0).to(tl.int64))
