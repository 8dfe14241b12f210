"""Root-mean-square norm over the last dimension. Knows no layers.

Legend: ... any leading dimensions, D normalized dimension.
"""

import torch


def rms_norm(x_D: torch.Tensor, weight_D: torch.Tensor, eps: float) -> torch.Tensor:
    """Sums in float32 and rounds before the weight, as the models were trained."""
    assert weight_D.shape == x_D.shape[-1:], (weight_D.shape, x_D.shape)
    assert weight_D.dtype == x_D.dtype, (weight_D.dtype, x_D.dtype)
    wide_D = x_D.float()
    mean_1 = wide_D.pow(2).mean(-1, keepdim=True)
    return weight_D * (wide_D * torch.rsqrt(mean_1 + eps)).to(x_D.dtype)
