"""Matrix product of e4m3 weights and activations; see `reference.linear_e4m3`. Knows no layers.

Matrix units that know e4m3 take both as they are; for others both become float16, which holds every code.
Legend: T tokens, I inputs, O outputs.
"""

from typing import Any

import torch
import triton
import triton.language as tl

from penstock.kernels.reference.kv_codes import FP8, as_bits
from penstock.kernels.triton.device import Device, device_of
from penstock.kernels.triton.e4m3 import finite_from_e4m3
from penstock.kernels.triton.linear_spans import Product, multiply
from penstock.kernels.triton.linear_tiles import Numbers, tiles_of
from penstock.kernels.triton.quantize_rows_e4m3 import quantize_rows_e4m3

_NUMBERS = Numbers(x_bytes=1, w_bytes=1, inputs=128)


def linear_e4m3(
    x_TI: torch.Tensor,
    codes_OI: torch.Tensor,
    scales_O: torch.Tensor,
    bias_O: torch.Tensor | None = None,
    *,
    batch_invariant: bool = False,
) -> torch.Tensor:
    """With `batch_invariant` the company of a token has no say in its bits."""
    assert codes_OI.dtype == FP8, codes_OI.dtype
    assert codes_OI.shape[1] == x_TI.shape[1], (x_TI.shape, codes_OI.shape)
    codes_TI, token_scales_T = quantize_rows_e4m3(x_TI)
    product = Product(
        x_TI=as_bits(codes_TI), weight_OW=as_bits(codes_OI), out_dtype=x_TI.dtype, bias_O=bias_O,
        token_scales_T=token_scales_T, output_scales_O=scales_O.expand(len(codes_OI)).contiguous(),
    )  # fmt: skip
    device = device_of(x_TI)
    tiles = tiles_of(*product.sizes, _NUMBERS, device, batch_invariant=batch_invariant)
    return multiply(product, tiles, fold_on(device))


def fold_on(device: Device) -> Any:
    """What its matrix units can do; see `linear_spans`."""
    return _fold if device.multiplies_e4m3 else _fold_as_halves


@triton.jit
def _load(rows, inputs, num_inputs, EVEN: tl.constexpr):
    return tl.load(rows + inputs) if EVEN else tl.load(rows + inputs, inputs < num_inputs, 0)


@triton.jit
def _fold(
    acc, x_rows, w_rows, scale_rows, group_stride, start, num_inputs,
    INPUTS: tl.constexpr, EVEN: tl.constexpr,
):  # fmt: skip
    """Hopper's units keep 14 bits of a sum: after each step it is added to one of 32."""
    inputs = start + tl.arange(0, INPUTS)
    w = _load(w_rows, inputs[None, :], num_inputs, EVEN).to(tl.float8e4nv, bitcast=True)
    x = _load(x_rows, inputs[:, None], num_inputs, EVEN).to(tl.float8e4nv, bitcast=True)
    return tl.dot(w, x, acc, max_num_imprecise_acc=INPUTS)


@triton.jit
def _fold_as_halves(
    acc, x_rows, w_rows, scale_rows, group_stride, start, num_inputs,
    INPUTS: tl.constexpr, EVEN: tl.constexpr,
):  # fmt: skip
    inputs = start + tl.arange(0, INPUTS)
    w = finite_from_e4m3(_load(w_rows, inputs[None, :], num_inputs, EVEN))
    x = finite_from_e4m3(_load(x_rows, inputs[:, None], num_inputs, EVEN))
    return tl.dot(w, x, acc)
