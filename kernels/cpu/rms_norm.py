"""Root-mean-square norm. See `source/rms_norm.cpp`; the oracle is `reference.rms_norm`."""

import torch

from penstock.kernels.cpu.library import DTYPE_NAMES
from penstock.kernels.cpu.program import Program


def add_rms_norm(
    program: Program, x_TD: torch.Tensor, weight_D: torch.Tensor, out_TD: torch.Tensor, eps: float
) -> None:
    """Reads float32, writes the weight's dtype."""
    assert x_TD.dtype == torch.float32, x_TD.dtype
    assert out_TD.dtype == weight_D.dtype, (out_TD.dtype, weight_D.dtype)
    assert x_TD.shape == out_TD.shape, (x_TD.shape, out_TD.shape)
    name = f"rms_norm_{DTYPE_NAMES[weight_D.dtype]}"
    program.add(name, x_TD, weight_D, out_TD, len(weight_D), float(eps))
