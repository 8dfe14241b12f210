"""The passes over whole rows: the maximum of each block, and the sum of its weights. Know no draws.

R rows, V vocabulary, N rows that are named, B blocks of the vocabulary.
"""

import torch
import triton
import triton.language as tl

from penstock.kernels.triton.sampling.logits import (
    BLOCK,
    inverse_of,
    is_number,
    numbers,
    weight_of,
)

_BLOCKS_AT_ONCE = 32


def num_blocks(size: int) -> int:
    return -(-size // int(BLOCK.value))


def block_maxima(logits_RV: torch.Tensor, rows_N: torch.Tensor) -> torch.Tensor:
    """float32 [N, B]."""
    maxima_NB = logits_RV.new_empty((len(rows_N), num_blocks(logits_RV.shape[1])))
    _maxima_kernel[_grid(maxima_NB)](
        logits_RV, rows_N, maxima_NB, logits_RV.stride(0), logits_RV.shape[1], maxima_NB.shape[1],
        AT_ONCE=_BLOCKS_AT_ONCE, num_warps=4,
    )  # fmt: skip
    return maxima_NB


def block_sums(
    logits_RV: torch.Tensor, rows_N: torch.Tensor, maxima_NB: torch.Tensor, columns_NC: torch.Tensor
) -> torch.Tensor:
    """int64 [N, B]; `columns_NC` begins with the temperature, float64."""
    sums_NB = torch.empty(maxima_NB.shape, dtype=torch.int64, device=maxima_NB.device)
    _sums_kernel[_grid(maxima_NB)](
        logits_RV, rows_N, maxima_NB, columns_NC, sums_NB, logits_RV.stride(0), columns_NC.stride(0),
        logits_RV.shape[1], maxima_NB.shape[1],
        ALL_BLOCKS=triton.next_power_of_2(maxima_NB.shape[1]), AT_ONCE=_BLOCKS_AT_ONCE, num_warps=4,
    )  # fmt: skip
    return sums_NB


def _grid(maxima_NB: torch.Tensor) -> tuple[int, int]:
    return len(maxima_NB), triton.cdiv(maxima_NB.shape[1], _BLOCKS_AT_ONCE)


@triton.jit
def largest(maxima_ptr, num_blocks, ALL_BLOCKS: tl.constexpr):
    """Of one row."""
    blocks = tl.arange(0, ALL_BLOCKS)
    maxima = tl.load(maxima_ptr + blocks, mask=blocks < num_blocks, other=float("-inf"))
    return tl.max(maxima, axis=0)


@triton.jit
def _load_blocks(logits_ptr, row_ptr, stride, size, blocks, AT_ONCE: tl.constexpr):
    row = tl.load(row_ptr).to(tl.int64)
    ids = blocks[:, None] * BLOCK + tl.arange(0, BLOCK)[None, :]
    return numbers(tl.load(logits_ptr + row * stride + ids, mask=ids < size, other=float("-inf")))


@triton.jit
def _maxima_kernel(
    logits_ptr, rows_ptr, maxima_ptr, stride, size, num_blocks, AT_ONCE: tl.constexpr
):
    which = tl.program_id(0).to(tl.int64)
    blocks = tl.program_id(1) * AT_ONCE + tl.arange(0, AT_ONCE)
    values = _load_blocks(logits_ptr, rows_ptr + which, stride, size, blocks, AT_ONCE)
    out_ptr = maxima_ptr + which * num_blocks + blocks
    tl.store(out_ptr, tl.max(values, axis=1), mask=blocks < num_blocks)


@triton.jit
def _sums_kernel(
    logits_ptr, rows_ptr, maxima_ptr, columns_ptr, sums_ptr, stride, column_stride, size, num_blocks,
    ALL_BLOCKS: tl.constexpr, AT_ONCE: tl.constexpr,
):  # fmt: skip
    which = tl.program_id(0).to(tl.int64)
    temperature = tl.load(columns_ptr + which * column_stride)
    best = largest(maxima_ptr + which * num_blocks, num_blocks, ALL_BLOCKS)
    if (temperature == 0) | (is_number(best) == 0):
        return
    blocks = tl.program_id(1) * AT_ONCE + tl.arange(0, AT_ONCE)
    values = _load_blocks(logits_ptr, rows_ptr + which, stride, size, blocks, AT_ONCE)
    weights = weight_of(values, best, inverse_of(temperature), 0.0)
    out_ptr = sums_ptr + which * num_blocks + blocks
    tl.store(out_ptr, tl.sum(weights, axis=1), mask=blocks < num_blocks)
