"""Rounds activations to 8 bits in groups of 32 for the quantized linears. See `source/quantize_rows.cpp`.

T tokens, I inputs, G groups.
"""

import torch

from penstock.kernels.cpu.library import DTYPE_NAMES
from penstock.kernels.cpu.limits import GROUP
from penstock.kernels.cpu.program import Extent, Program

GROUP_BYTES = 8 + GROUP
"""A float32 scale, minus the sum of the values as an int32, and the values."""


def quantized_rows(num_rows: int, depth: int) -> torch.Tensor:
    """A buffer [num_rows, groups, GROUP_BYTES] for `add_quantize_rows` to fill."""
    return torch.zeros(num_rows, depth // GROUP, GROUP_BYTES, dtype=torch.uint8)


def add_quantize_rows(
    program: Program, extent: Extent, x_TI: torch.Tensor, out_TGB: torch.Tensor
) -> None:
    """`x` is bfloat16 or float32; a group with a value that is not finite makes all of its token NaN."""
    num_rows, depth = x_TI.shape
    assert depth % GROUP == 0, depth
    assert out_TGB.dtype == torch.uint8, out_TGB.dtype
    assert out_TGB.shape == (num_rows, depth // GROUP, GROUP_BYTES), out_TGB.shape
    program.add(f"quantize_rows_{DTYPE_NAMES[x_TI.dtype]}", extent, x_TI, out_TGB, depth)
