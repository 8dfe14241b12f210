"""Looks up one row per token in a packed table. See `source/embedding.cpp`; the oracle is `reference.embedding`."""

import torch

from penstock.kernels.cpu.library import DTYPE_NAMES
from penstock.kernels.cpu.program import Program
from penstock.kernels.cpu.quant_weights import Quantized
from penstock.kernels.cpu.weights import Packed


def add_embedding(program: Program, table: Packed, out_TD: torch.Tensor) -> None:
    """The ids are the step's; `out` is float32."""
    assert out_TD.dtype == torch.float32, out_TD.dtype
    assert out_TD.shape[1] == table.depth, (out_TD.shape, table.depth)
    program.add(f"embedding_{DTYPE_NAMES[table.data.dtype]}", table.data, out_TD, table.depth)


def add_quant_embedding(program: Program, table: Quantized, out_TD: torch.Tensor) -> None:
    """The same from a quantized table."""
    assert out_TD.dtype == torch.float32, out_TD.dtype
    assert out_TD.shape[1] == table.depth, (out_TD.shape, table.depth)
    program.add(f"embedding_{table.bits.suffix}", table.data_PGB, out_TD, table.depth)
