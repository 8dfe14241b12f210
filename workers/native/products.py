"""Matrix products on weights of one kind: as the checkpoint has them, or quantized. Know matrices, not what they mean.

T tokens, I inputs, O outputs, D hidden size, F width of the MLP.
"""

from typing import Protocol

import torch

from penstock.kernels.cpu.embedding import add_embedding, add_quant_embedding
from penstock.kernels.cpu.library import Library
from penstock.kernels.cpu.linear import add_linear, add_linear_gate_up, add_linear_residual
from penstock.kernels.cpu.memory import zeros
from penstock.kernels.cpu.program import Extent, Program, Team
from penstock.kernels.cpu.quant_linear import (
    add_quant_linear,
    add_quant_linear_gate_up,
    add_quant_linear_residual,
)
from penstock.kernels.cpu.quant_weights import GROUP, Bits, Quantized, quantize, quantize_gate_up
from penstock.kernels.cpu.quantize_rows import GROUP_BYTES, add_quantize_rows
from penstock.kernels.cpu.weights import Packed, Parts, pack, pack_gate_up

Matrix = Packed | Quantized


class Products(Protocol):
    """Packs matrices, and appends the operations that multiply by them. A matrix goes back to who packed it."""

    def pack(self, parts: Parts, bias_O: torch.Tensor | None) -> Matrix: ...

    def pack_gate_up(self, parts: Parts, bias_O: torch.Tensor | None) -> Matrix: ...

    def embed(self, program: Program, table: Matrix, out_TD: torch.Tensor) -> None: ...

    def linear(
        self, program: Program, extent: Extent, x_TI: torch.Tensor, weight: Matrix,
        out_TO: torch.Tensor,
    ) -> None: ...  # fmt: skip

    def add_to_residual(
        self, program: Program, x_TI: torch.Tensor, weight: Matrix, residual_TD: torch.Tensor
    ) -> None: ...

    def gate_up(
        self, program: Program, x_TI: torch.Tensor, weight: Matrix, out_TF: torch.Tensor
    ) -> None: ...


class PlainProducts:
    """Weights keep the checkpoint's dtype."""

    def __init__(self, library: Library, team: Team) -> None:
        self._place = (library, team)

    def pack(self, parts: Parts, bias_O: torch.Tensor | None) -> Packed:
        return pack(*self._place, parts, bias_O)

    def pack_gate_up(self, parts: Parts, bias_O: torch.Tensor | None) -> Packed:
        return pack_gate_up(*self._place, parts, bias_O)

    def embed(self, program: Program, table: Matrix, out_TD: torch.Tensor) -> None:
        assert isinstance(table, Packed)
        add_embedding(program, table, out_TD)

    def linear(
        self, program: Program, extent: Extent, x_TI: torch.Tensor, weight: Matrix,
        out_TO: torch.Tensor,
    ) -> None:  # fmt: skip
        assert isinstance(weight, Packed)
        add_linear(program, extent, x_TI, weight, out_TO)

    def add_to_residual(
        self, program: Program, x_TI: torch.Tensor, weight: Matrix, residual_TD: torch.Tensor
    ) -> None:
        assert isinstance(weight, Packed)
        add_linear_residual(program, x_TI, weight, residual_TD)

    def gate_up(
        self, program: Program, x_TI: torch.Tensor, weight: Matrix, out_TF: torch.Tensor
    ) -> None:
        assert isinstance(weight, Packed)
        add_linear_gate_up(program, x_TI, weight, out_TF)


class QuantizedProducts:
    """Weights of few bits; activations are rounded to 8 bits before each product."""

    def __init__(self, library: Library, team: Team, bits: Bits) -> None:
        self._place = (library, team)
        self._bits = bits
        self._rounded: dict[tuple[int, int], torch.Tensor] = {}

    def pack(self, parts: Parts, bias_O: torch.Tensor | None) -> Quantized:
        return quantize(*self._place, parts, bias_O, self._bits)

    def pack_gate_up(self, parts: Parts, bias_O: torch.Tensor | None) -> Quantized:
        return quantize_gate_up(*self._place, parts, bias_O, self._bits)

    def embed(self, program: Program, table: Matrix, out_TD: torch.Tensor) -> None:
        assert isinstance(table, Quantized)
        add_quant_embedding(program, table, out_TD)

    def linear(
        self, program: Program, extent: Extent, x_TI: torch.Tensor, weight: Matrix,
        out_TO: torch.Tensor,
    ) -> None:  # fmt: skip
        assert isinstance(weight, Quantized)
        add_quant_linear(program, extent, self._round(program, extent, x_TI), weight, out_TO)

    def add_to_residual(
        self, program: Program, x_TI: torch.Tensor, weight: Matrix, residual_TD: torch.Tensor
    ) -> None:
        assert isinstance(weight, Quantized)
        x_TGB = self._round(program, Extent.TOKENS, x_TI)
        add_quant_linear_residual(program, x_TGB, weight, residual_TD)

    def gate_up(
        self, program: Program, x_TI: torch.Tensor, weight: Matrix, out_TF: torch.Tensor
    ) -> None:
        assert isinstance(weight, Quantized)
        x_TGB = self._round(program, Extent.TOKENS, x_TI)
        add_quant_linear_gate_up(program, x_TGB, weight, out_TF)

    def _round(self, program: Program, extent: Extent, x_TI: torch.Tensor) -> torch.Tensor:
        """Operations follow one another, so that products of one shape share a buffer."""
        num_rows, depth = x_TI.shape
        if x_TI.shape not in self._rounded:
            shape = (num_rows, depth // GROUP, GROUP_BYTES)
            self._rounded[num_rows, depth] = zeros(shape, torch.uint8)
        rounded_TGB = self._rounded[num_rows, depth]
        add_quantize_rows(program, extent, x_TI, rounded_TGB)
        return rounded_TGB
