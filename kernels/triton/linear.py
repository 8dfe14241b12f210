"""Matrix product with an optional bias; see `reference.linear`. Knows no layers.

The vendor's library is what multiplies as a rule; it picks its order of sums by the number of tokens. Where that may
not be, `batch_invariant`, a kernel of our own does, whose order is fixed by the sizes of the matrix.
Legend: T tokens, I inputs, O outputs.
"""

import torch
import torch.nn.functional as F
import triton
import triton.language as tl

from penstock.kernels.triton.device import device_of
from penstock.kernels.triton.linear_spans import Product, multiply
from penstock.kernels.triton.linear_tiles import Numbers, tiles_of

_STEP_BYTES = 128


def linear(
    x_TI: torch.Tensor,
    weight_OI: torch.Tensor,
    bias_O: torch.Tensor | None = None,
    *,
    batch_invariant: bool = False,
) -> torch.Tensor:
    """With `batch_invariant` the company of a token has no say in its bits."""
    assert x_TI.shape[-1] == weight_OI.shape[1], (x_TI.shape, weight_OI.shape)
    assert x_TI.dtype == weight_OI.dtype, (x_TI.dtype, weight_OI.dtype)
    if not batch_invariant:
        return F.linear(x_TI, weight_OI, bias_O)
    product = Product(x_TI=x_TI, weight_OW=weight_OI, out_dtype=x_TI.dtype, bias_O=bias_O)
    size = x_TI.element_size()
    numbers = Numbers(x_bytes=size, w_bytes=size, inputs=_STEP_BYTES // size)
    tiles = tiles_of(*product.sizes, numbers, device_of(x_TI), batch_invariant=True)
    return multiply(product, tiles, fold)


@triton.jit
def fold(
    acc, x_rows, w_rows, scale_rows, group_stride, start, num_inputs,
    INPUTS: tl.constexpr, EVEN: tl.constexpr,
):  # fmt: skip
    inputs = start + tl.arange(0, INPUTS)
    if EVEN:
        w, x = tl.load(w_rows + inputs[None, :]), tl.load(x_rows + inputs[:, None])
    else:
        seen = inputs < num_inputs
        w = tl.load(w_rows + inputs[None, :], mask=seen[None, :], other=0.0)
        x = tl.load(x_rows + inputs[:, None], mask=seen[:, None], other=0.0)
    return tl.dot(w, x, acc, input_precision="ieee")
