"""Products with weights whose inputs are scaled in groups, a group a step. Knows no kind of codes.

Legend: T tokens, I inputs, O outputs, G groups of inputs; W numbers of a stored row of weights.
"""

from typing import Any

import torch

from penstock.kernels.triton.device import device_of
from penstock.kernels.triton.linear_spans import Product, multiply
from penstock.kernels.triton.linear_tiles import Numbers, tiles_of


def multiply_grouped(
    x_TI: torch.Tensor, weight_OW: torch.Tensor, scales_OG: torch.Tensor, bias_O: torch.Tensor | None,
    fold: Any, *, w_bytes: float, batch_invariant: bool,
) -> torch.Tensor:  # fmt: skip
    """[T, O]. `w_bytes` are those of one weight; see `linear_spans` for `fold`."""
    product = Product(
        x_TI=x_TI, weight_OW=weight_OW, scales_OG=scales_OG, out_dtype=x_TI.dtype, bias_O=bias_O
    )
    group = x_TI.shape[1] // scales_OG.shape[1]
    numbers = Numbers(x_bytes=x_TI.element_size(), w_bytes=w_bytes, inputs=group)
    tiles = tiles_of(*product.sizes, numbers, device_of(x_TI), batch_invariant=batch_invariant)
    return multiply(product, tiles, fold)
