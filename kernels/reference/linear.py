"""Matrix product with an optional bias. Knows no layers.

Legend: T tokens, I inputs, O outputs.
"""

import torch
import torch.nn.functional as F


def linear(
    x_TI: torch.Tensor, weight_OI: torch.Tensor, bias_O: torch.Tensor | None = None
) -> torch.Tensor:
    assert x_TI.shape[-1] == weight_OI.shape[1], (x_TI.shape, weight_OI.shape)
    assert bias_O is None or bias_O.shape == weight_OI.shape[:1]
    assert x_TI.dtype == weight_OI.dtype, (x_TI.dtype, weight_OI.dtype)
    return F.linear(x_TI, weight_OI, bias_O)
