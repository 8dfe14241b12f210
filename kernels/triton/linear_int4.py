"""Matrix product with weights of 4 bits, two in a byte; see `reference.linear_int4`. Knows no layers.

    bytes of a group   [ low: inputs 0 .. h-1 | high: inputs h .. 2h-1 ]

A tile of bytes is two tiles of weights, each multiplied by its half of the group's activations: nothing is moved.
Legend: T tokens, I inputs, H half of them, O outputs, G groups of inputs.
"""

import torch
import triton
import triton.language as tl

from penstock.kernels.triton.linear_grouped import multiply_grouped


def linear_int4(
    x_TI: torch.Tensor,
    codes_OH: torch.Tensor,
    scales_OG: torch.Tensor,
    bias_O: torch.Tensor | None = None,
    *,
    batch_invariant: bool = False,
) -> torch.Tensor:
    """With `batch_invariant` the company of a token has no say in its bits."""
    assert codes_OH.dtype == torch.uint8, codes_OH.dtype
    assert 2 * codes_OH.shape[1] == x_TI.shape[1], (x_TI.shape, codes_OH.shape)
    return multiply_grouped(
        x_TI, codes_OH, scales_OG, bias_O, fold, w_bytes=0.5, batch_invariant=batch_invariant
    )


@triton.jit
def fold(
    acc, x_rows, w_rows, scale_rows, group_stride, start, num_inputs,
    INPUTS: tl.constexpr, EVEN: tl.constexpr,
):  # fmt: skip
    """A step is a group."""
    HALF: tl.constexpr = INPUTS // 2
    places = tl.arange(0, HALF)
    codes = tl.load(w_rows + (start // 2 + places)[None, :])
    low = (codes << 4).to(tl.int8, bitcast=True) >> 4
    high = codes.to(tl.int8, bitcast=True) >> 4
    x_low = tl.load(x_rows + (start + places)[:, None])
    x_high = tl.load(x_rows + (start + HALF + places)[:, None])
    scales = tl.load(scale_rows + start // INPUTS * group_stride)
    sums = tl.dot(low.to(x_low.dtype), x_low, input_precision="ieee")
    sums = tl.dot(high.to(x_low.dtype), x_high, sums, input_precision="ieee")
    return acc + sums * scales.to(tl.float32)[:, None]
