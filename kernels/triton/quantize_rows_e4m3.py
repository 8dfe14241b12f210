"""Rows of numbers as e4m3 with a scale for each; see `reference.quantize_rows_e4m3`. Knows no layers.

Legend: T rows, I numbers of each.
"""

import torch
import triton
import triton.language as tl

from penstock.kernels.reference.kv_codes import FP8
from penstock.kernels.triton.e4m3 import to_e4m3

_BLOCK = 4096


def quantize_rows_e4m3(x_TI: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Each row is read twice; a row that fits a block finds its numbers in the cache."""
    assert x_TI.stride(1) == 1, x_TI.stride()
    codes_TI = torch.empty(x_TI.shape, dtype=torch.uint8, device=x_TI.device)
    scales_T = torch.empty(len(x_TI), dtype=torch.float32, device=x_TI.device)
    if len(x_TI):
        block = min(_BLOCK, triton.next_power_of_2(x_TI.shape[1]))
        _quantize_rows_kernel[(len(x_TI),)](
            x_TI, codes_TI, scales_T, x_TI.stride(0), x_TI.shape[1], BLOCK=block,
            num_warps=max(1, block // 512),
        )  # fmt: skip
    return codes_TI.view(FP8), scales_T


@triton.jit
def _finite(x_row_ptr, columns, size):
    """As float32; NaN for what is infinite."""
    x = tl.load(x_row_ptr + columns, mask=columns < size, other=0.0).to(tl.float32)
    return tl.where(tl.abs(x) < float("inf"), x, float("nan"))


@triton.jit
def _quantize_rows_kernel(x_ptr, codes_ptr, scales_ptr, x_stride, size, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    x_row_ptr = x_ptr + row * x_stride
    largest = tl.zeros([BLOCK], tl.float32)
    poison = tl.zeros([BLOCK], tl.float32)
    for start in range(0, size, BLOCK):
        columns = start + tl.arange(0, BLOCK)
        x = _finite(x_row_ptr, columns, size)
        largest = tl.maximum(largest, tl.abs(x))
        poison += x * 0.0
    scale = tl.maximum(tl.div_rn(tl.max(largest, axis=0), 448.0), 1.1754943508222875e-38)
    for start in range(0, size, BLOCK):
        columns = start + tl.arange(0, BLOCK)
        codes = to_e4m3(tl.div_rn(_finite(x_row_ptr, columns, size), scale))
        tl.store(codes_ptr + row * size + columns, codes, mask=columns < size)
    tl.store(scales_ptr + row, scale + tl.sum(poison, axis=0))
