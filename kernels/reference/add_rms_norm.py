"""Adds a layer's output to the residual and norms the sum. Knows no layers.

Legend: T tokens, D hidden.
"""

import torch

from penstock.kernels.reference.rms_norm import rms_norm


def add_rms_norm(
    x_TD: torch.Tensor, residual_TD: torch.Tensor, weight_D: torch.Tensor, eps: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns the normed sum and the sum itself, which is rounded to the tensors' dtype first."""
    assert x_TD.shape == residual_TD.shape, (x_TD.shape, residual_TD.shape)
    assert x_TD.dtype == residual_TD.dtype, (x_TD.dtype, residual_TD.dtype)
    sum_TD = residual_TD + x_TD
    return rms_norm(sum_TD, weight_D, eps), sum_TD
