"""Matrix product with an optional bias. Knows no layers.

Legend: T tokens, I inputs, O outputs.
"""

import torch
import torch.nn.functional as F


def linear(
    x_TI: torch.Tensor,
    weight_OI: torch.Tensor,
    bias_O: torch.Tensor | None = None,
    *,
    batch_invariant: bool = False,
) -> torch.Tensor:
    """With `batch_invariant` a token's sums do not depend on how many others there are: here, one by one."""
    assert x_TI.shape[-1] == weight_OI.shape[1], (x_TI.shape, weight_OI.shape)
    assert bias_O is None or bias_O.shape == weight_OI.shape[:1]
    assert x_TI.dtype == weight_OI.dtype, (x_TI.dtype, weight_OI.dtype)
    if not batch_invariant:
        return F.linear(x_TI, weight_OI, bias_O)
    return _one_by_one(x_TI, weight_OI, bias_O)


def _one_by_one(
    x_TI: torch.Tensor, weight_OI: torch.Tensor, bias_O: torch.Tensor | None = None
) -> torch.Tensor:
    """A product for each token: libraries choose another order of sums for two tokens than for one."""
    out_TO = x_TI.new_empty(len(x_TI), len(weight_OI))
    for token in range(len(x_TI)):
        out_TO[token] = F.linear(x_TI[token : token + 1], weight_OI, bias_O)[0]
    return out_TO
