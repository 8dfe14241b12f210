"""The experts' products on rows that are sorted by expert. See `source/grouped_linear.hpp`.

N rows, I inputs, O outputs, F width of an expert, G groups of 32 inputs, B bytes of a group. Together with `route`,
`group` and `combine` they are `reference.fused_experts`.
"""

import torch

from penstock.kernels.cpu.group import Groups
from penstock.kernels.cpu.library import DTYPE_NAMES
from penstock.kernels.cpu.limits import GROUP
from penstock.kernels.cpu.program import Program
from penstock.kernels.cpu.quant_weights import Quantized
from penstock.kernels.cpu.quantize_rows import GROUP_BYTES
from penstock.kernels.cpu.weights import Packed


def add_grouped_linear(
    program: Program, groups: Groups, x_NI: torch.Tensor, weight: Packed, out_NO: torch.Tensor
) -> None:
    """`out` is float32."""
    assert out_NO.dtype == torch.float32, out_NO.dtype
    assert out_NO.shape[1] == weight.columns, (out_NO.shape, weight.columns)
    _add(program, "grouped_linear", groups, x_NI, weight, out_NO)


def add_grouped_gate_up(
    program: Program, groups: Groups, x_NI: torch.Tensor, weight: Packed, out_NF: torch.Tensor
) -> None:
    """out = silu(gate) * up; the weights are packed by `pack_gate_up`."""
    assert out_NF.dtype == weight.data.dtype, (out_NF.dtype, weight.data.dtype)
    assert out_NF.shape[1] * 2 == weight.columns, (out_NF.shape, weight.columns)
    _add(program, "grouped_gate_up", groups, x_NI, weight, out_NF)


def add_quant_grouped_linear(
    program: Program, groups: Groups, x_NGB: torch.Tensor, weight: Quantized, out_NO: torch.Tensor
) -> None:
    """`out` is float32, `x` comes from `add_quantize_rows`."""
    assert out_NO.dtype == torch.float32, out_NO.dtype
    assert out_NO.shape[1] == weight.columns, (out_NO.shape, weight.columns)
    name = f"quant_grouped_linear_{weight.bits.suffix}"
    _add_quant(program, name, groups, x_NGB, weight, out_NO)


def add_quant_grouped_gate_up(
    program: Program, groups: Groups, x_NGB: torch.Tensor, weight: Quantized, out_NF: torch.Tensor
) -> None:
    """out = silu(gate) * up; the weights come from `quantize_gate_up`, `out` is float32 or bfloat16."""
    assert out_NF.shape[1] * 2 == weight.columns, (out_NF.shape, weight.columns)
    name = f"quant_grouped_gate_up_{weight.bits.suffix}_{DTYPE_NAMES[out_NF.dtype]}"
    _add_quant(program, name, groups, x_NGB, weight, out_NF)


def _check(groups: Groups, weight: Packed | Quantized, out: torch.Tensor) -> None:
    assert weight.bias_P is None
    assert weight.num_matrices == groups.num_experts, (weight.num_matrices, groups.num_experts)
    assert len(out) == groups.num_rows, (out.shape, groups.num_rows)


def _add(
    program: Program, name: str, groups: Groups, x_NI: torch.Tensor, weight: Packed,
    out: torch.Tensor,
) -> None:  # fmt: skip
    _check(groups, weight, out)
    assert x_NI.dtype == weight.data.dtype, (x_NI.dtype, weight.data.dtype)
    assert x_NI.shape == (groups.num_rows, weight.depth), (x_NI.shape, weight.depth)
    program.add(
        f"{name}_{DTYPE_NAMES[weight.data.dtype]}",
        groups.blocks_N3, groups.num_blocks_1, x_NI, weight.data, weight.columns, weight.depth, out,
    )  # fmt: skip


def _add_quant(
    program: Program, name: str, groups: Groups, x_NGB: torch.Tensor, weight: Quantized,
    out: torch.Tensor,
) -> None:  # fmt: skip
    _check(groups, weight, out)
    assert x_NGB.dtype == torch.uint8, x_NGB.dtype
    assert x_NGB.shape == (len(out), weight.depth // GROUP, GROUP_BYTES), x_NGB.shape
    program.add(
        name,
        groups.blocks_N3, groups.num_blocks_1, x_NGB, weight.data_PGB, weight.columns, weight.depth,
        out,
    )  # fmt: skip
