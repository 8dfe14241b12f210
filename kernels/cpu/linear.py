"""Matrix products on packed weights, with what follows folded in. See `source/linear.cpp`.

T tokens, I inputs, O outputs, D hidden size, F width of the MLP. The oracles are `reference.linear` and
`reference.silu_mul`.
"""

import torch

from penstock.kernels.cpu.library import DTYPE_NAMES
from penstock.kernels.cpu.program import Extent, Program
from penstock.kernels.cpu.weights import Packed


def add_linear(
    program: Program, extent: Extent, x_TI: torch.Tensor, weight: Packed, out_TO: torch.Tensor
) -> None:
    """`out` is float32 or of the weights' dtype."""
    assert out_TO.shape[1] == weight.columns, (out_TO.shape, weight.columns)
    to_float = out_TO.dtype == torch.float32 and weight.data.dtype != torch.float32
    _add(program, "linear_to_float" if to_float else "linear", extent, x_TI, weight, out_TO)


def add_linear_residual(
    program: Program, x_TI: torch.Tensor, weight: Packed, residual_TD: torch.Tensor
) -> None:
    """residual += x @ weight, in float32."""
    assert residual_TD.dtype == torch.float32, residual_TD.dtype
    assert residual_TD.shape[1] == weight.columns, (residual_TD.shape, weight.columns)
    _add(program, "linear_residual", Extent.TOKENS, x_TI, weight, residual_TD)


def add_linear_gate_up(
    program: Program, x_TI: torch.Tensor, weight: Packed, out_TF: torch.Tensor
) -> None:
    """out = silu(gate) * up; the weights are packed by `pack_gate_up`."""
    assert out_TF.dtype == weight.data.dtype, (out_TF.dtype, weight.data.dtype)
    assert out_TF.shape[1] * 2 == weight.columns, (out_TF.shape, weight.columns)
    _add(program, "linear_gate_up", Extent.TOKENS, x_TI, weight, out_TF)


def _add(
    program: Program, name: str, extent: Extent, x_TI: torch.Tensor, weight: Packed,
    out: torch.Tensor,
) -> None:  # fmt: skip
    assert weight.num_matrices == 1, weight.num_matrices
    assert x_TI.dtype == weight.data.dtype, (x_TI.dtype, weight.data.dtype)
    assert x_TI.shape[1] == weight.depth, (x_TI.shape, weight.depth)
    suffix = DTYPE_NAMES[weight.data.dtype]
    program.add(
        f"{name}_{suffix}",
        extent,
        x_TI,
        weight.data,
        weight.bias_P,
        weight.columns,
        weight.depth,
        out,
    )
