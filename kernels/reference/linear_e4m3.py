"""Matrix product of e4m3 weights and activations that are rounded to e4m3, each token by itself. Knows no layers.

Legend: T tokens, I inputs, O outputs.
"""

import torch

from penstock.kernels.reference.kv_codes import FP8
from penstock.kernels.reference.linear import linear
from penstock.kernels.reference.quantize_rows_e4m3 import quantize_rows_e4m3


def linear_e4m3(
    x_TI: torch.Tensor,
    codes_OI: torch.Tensor,
    scales_O: torch.Tensor,
    bias_O: torch.Tensor | None = None,
    *,
    batch_invariant: bool = False,
) -> torch.Tensor:
    """Summed in float32, in the dtype of `x_TI`; `scales_O` may be one for all outputs."""
    assert codes_OI.dtype == FP8, codes_OI.dtype
    codes_TI, scales_T = quantize_rows_e4m3(x_TI)
    sums_TO = linear(codes_TI.float(), codes_OI.float(), batch_invariant=batch_invariant)
    out_TO = sums_TO * scales_T.unsqueeze(1) * scales_O
    return (out_TO if bias_O is None else out_TO + bias_O.float()).to(x_TI.dtype)
