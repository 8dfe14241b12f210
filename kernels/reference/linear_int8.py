"""Matrix product with weights of 8 bits, in groups; see weight_codes.py. Knows no layers.

Legend: T tokens, I inputs, O outputs, G groups of inputs.
"""

import torch

from penstock.kernels.reference.linear import linear
from penstock.kernels.reference.weight_codes import dequantized


def linear_int8(
    x_TI: torch.Tensor,
    codes_OI: torch.Tensor,
    scales_OG: torch.Tensor,
    bias_O: torch.Tensor | None = None,
    *,
    batch_invariant: bool = False,
) -> torch.Tensor:
    """Summed in float32, in the dtype of `x_TI`."""
    assert codes_OI.dtype == torch.int8, codes_OI.dtype
    weight_OI = dequantized(codes_OI, scales_OG)
    bias_O = None if bias_O is None else bias_O.float()
    out_TO = linear(x_TI.float(), weight_OI, bias_O, batch_invariant=batch_invariant)
    return out_TO.to(x_TI.dtype)
