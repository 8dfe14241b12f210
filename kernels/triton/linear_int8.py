"""Matrix product with weights of 8 bits, in groups; see `reference.linear_int8`. Knows no layers.

Whole numbers up to 127 are exact in every dtype of activations: a group is multiplied as it is, its sum then scaled.
Legend: T tokens, I inputs, O outputs, G groups of inputs.
"""

import torch
import triton
import triton.language as tl

from penstock.kernels.triton.linear_grouped import multiply_grouped


def linear_int8(
    x_TI: torch.Tensor,
    codes_OI: torch.Tensor,
    scales_OG: torch.Tensor,
    bias_O: torch.Tensor | None = None,
    *,
    batch_invariant: bool = False,
) -> torch.Tensor:
    """With `batch_invariant` the company of a token has no say in its bits."""
    assert codes_OI.dtype == torch.int8, codes_OI.dtype
    assert codes_OI.shape[1] == x_TI.shape[1], (x_TI.shape, codes_OI.shape)
    return multiply_grouped(
        x_TI, codes_OI, scales_OG, bias_O, fold, w_bytes=1, batch_invariant=batch_invariant
    )


@triton.jit
def fold(
    acc, x_rows, w_rows, scale_rows, group_stride, start, num_inputs,
    INPUTS: tl.constexpr, EVEN: tl.constexpr,
):  # fmt: skip
    """A step is a group."""
    inputs = start + tl.arange(0, INPUTS)
    codes, x = tl.load(w_rows + inputs[None, :]), tl.load(x_rows + inputs[:, None])
    scales = tl.load(scale_rows + start // INPUTS * group_stride)
    sums = tl.dot(codes.to(x.dtype), x, input_precision="ieee")
    return acc + sums * scales.to(tl.float32)[:, None]
