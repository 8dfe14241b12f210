"""Matrix product with weights of 4 bits, two in a byte; see weight_codes.py. Knows no layers.

Legend: T tokens, I inputs, H half of them, O outputs, G groups of inputs.
"""

import torch

from penstock.kernels.reference.linear_int8 import linear_int8
from penstock.kernels.reference.weight_codes import unpack_int4


def linear_int4(
    x_TI: torch.Tensor,
    codes_OH: torch.Tensor,
    scales_OG: torch.Tensor,
    bias_O: torch.Tensor | None = None,
    *,
    batch_invariant: bool = False,
) -> torch.Tensor:
    """Summed in float32, in the dtype of `x_TI`."""
    assert codes_OH.dtype == torch.uint8, codes_OH.dtype
    codes_OI = unpack_int4(codes_OH, x_TI.shape[1] // scales_OG.shape[1])
    return linear_int8(x_TI, codes_OI, scales_OG, bias_O, batch_invariant=batch_invariant)
