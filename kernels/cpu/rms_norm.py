"""Root-mean-square norm. See `source/rms_norm.cpp`; the oracle is `reference.rms_norm`."""

import torch

from penstock.kernels.cpu.library import DTYPE_NAMES
from penstock.kernels.cpu.program import Extent, Program


def add_rms_norm(
    program: Program, extent: Extent, x_TD: torch.Tensor, weight_D: torch.Tensor,
    out_ND: torch.Tensor, eps: float,
) -> None:  # fmt: skip
    """Reads float32, writes the weight's dtype: of all tokens, or of those that are sampled."""
    assert x_TD.dtype == torch.float32, x_TD.dtype
    assert out_ND.dtype == weight_D.dtype, (out_ND.dtype, weight_D.dtype)
    assert x_TD.shape[1:] == out_ND.shape[1:] == weight_D.shape, (x_TD.shape, out_ND.shape)
    name = f"rms_norm_{DTYPE_NAMES[weight_D.dtype]}"
    program.add(name, extent, x_TD, weight_D, out_ND, len(weight_D), float(eps))
