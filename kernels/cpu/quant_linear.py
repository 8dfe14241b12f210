"""Matrix products on quantized weights, with what follows folded in. See `source/quant_linear.cpp`.

T tokens, O outputs, D hidden size, F width of the MLP, G groups of 32 inputs, B bytes of a group. `x` comes from
`add_quantize_rows`. A token's sums do not depend on the tokens beside it.
"""

import torch

from penstock.kernels.cpu.library import DTYPE_NAMES
from penstock.kernels.cpu.limits import GROUP
from penstock.kernels.cpu.program import Extent, Program
from penstock.kernels.cpu.quant_weights import Quantized
from penstock.kernels.cpu.quantize_rows import GROUP_BYTES


def add_quant_linear(
    program: Program, extent: Extent, x_TGB: torch.Tensor, weight: Quantized, out_TO: torch.Tensor
) -> None:
    """`out` is float32 or bfloat16."""
    assert out_TO.shape[1] == weight.columns, (out_TO.shape, weight.columns)
    name = f"quant_linear_{weight.bits.suffix}_{DTYPE_NAMES[out_TO.dtype]}"
    _add(program, name, extent, x_TGB, weight, out_TO)


def add_quant_linear_residual(
    program: Program, x_TGB: torch.Tensor, weight: Quantized, residual_TD: torch.Tensor
) -> None:
    """residual += x @ weight, in float32."""
    assert residual_TD.dtype == torch.float32, residual_TD.dtype
    assert residual_TD.shape[1] == weight.columns, (residual_TD.shape, weight.columns)
    name = f"quant_linear_residual_{weight.bits.suffix}"
    _add(program, name, Extent.TOKENS, x_TGB, weight, residual_TD)


def add_quant_linear_gate_up(
    program: Program, x_TGB: torch.Tensor, weight: Quantized, out_TF: torch.Tensor
) -> None:
    """out = silu(gate) * up; the weights come from `quantize_gate_up`, `out` is float32 or bfloat16."""
    assert out_TF.shape[1] * 2 == weight.columns, (out_TF.shape, weight.columns)
    name = f"quant_linear_gate_up_{weight.bits.suffix}_{DTYPE_NAMES[out_TF.dtype]}"
    _add(program, name, Extent.TOKENS, x_TGB, weight, out_TF)


def _add(
    program: Program, name: str, extent: Extent, x_TGB: torch.Tensor, weight: Quantized,
    out: torch.Tensor,
) -> None:  # fmt: skip
    assert weight.num_matrices == 1, weight.num_matrices
    assert x_TGB.dtype == torch.uint8, x_TGB.dtype
    assert x_TGB.shape == (len(out), weight.depth // GROUP, GROUP_BYTES), x_TGB.shape
    program.add(
        name, extent, x_TGB, weight.data_PGB, weight.bias_P, weight.columns, weight.depth, out
    )
