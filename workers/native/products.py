"""Matrix products on weights of one kind: as the checkpoint has them, or quantized. Know matrices, not what they mean.

T tokens, I inputs, O outputs, D hidden size, F width of the MLP or of an expert, N rows sorted by expert.
"""

from typing import Protocol

import torch

from penstock.kernels.cpu.embedding import add_embedding, add_quant_embedding
from penstock.kernels.cpu.group import Groups, add_gather
from penstock.kernels.cpu.grouped_linear import (
    add_grouped_gate_up,
    add_grouped_linear,
    add_quant_grouped_gate_up,
    add_quant_grouped_linear,
)
from penstock.kernels.cpu.library import Library
from penstock.kernels.cpu.limits import GROUP
from penstock.kernels.cpu.linear import add_linear, add_linear_gate_up, add_linear_residual
from penstock.kernels.cpu.memory import zeros
from penstock.kernels.cpu.program import Extent, Program, Team
from penstock.kernels.cpu.quant_linear import (
    add_quant_linear,
    add_quant_linear_gate_up,
    add_quant_linear_residual,
)
from penstock.kernels.cpu.quant_weights import Bits, Quantized, quantize, quantize_gate_up
from penstock.kernels.cpu.quantize_rows import GROUP_BYTES, add_quantize_rows
from penstock.kernels.cpu.weights import Packed, Parts, pack, pack_gate_up

Matrix = Packed | Quantized


class Products(Protocol):
    """Packs matrices, and appends the operations that multiply by them. A matrix goes back to who packed it."""

    def pack(self, parts: Parts, bias_O: torch.Tensor | None, num_matrices: int = 1) -> Matrix: ...

    def pack_gate_up(
        self, parts: Parts, bias_O: torch.Tensor | None, num_matrices: int = 1
    ) -> Matrix: ...

    def pack_exact(self, parts: Parts) -> Packed:
        """In the checkpoint's dtype: for what is small and decides much. `add_linear` multiplies by it."""
        ...

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

    def experts_gate_up(
        self, program: Program, groups: Groups, x_TD: torch.Tensor, weight: Matrix,
        out_NF: torch.Tensor,
    ) -> None:  # fmt: skip
        """Each row is its token's, times the panels of its expert."""
        ...

    def experts_down(
        self, program: Program, groups: Groups, x_NF: torch.Tensor, weight: Matrix,
        out_ND: torch.Tensor,
    ) -> None: ...  # fmt: skip


class Scratch:
    """Operations follow one another, so that those whose rows are of one shape share a buffer."""

    def __init__(self) -> None:
        self._buffers: dict[tuple[tuple[int, ...], torch.dtype], torch.Tensor] = {}

    def get(self, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        if (shape, dtype) not in self._buffers:
            self._buffers[shape, dtype] = zeros(shape, dtype)
        return self._buffers[shape, dtype]

    def rows_of(self, program: Program, groups: Groups, x: torch.Tensor) -> torch.Tensor:
        """A row for each row of `groups`, copied from its token's in `x`."""
        out = self.get((groups.num_rows, *x.shape[1:]), x.dtype)
        add_gather(program, groups, x, out)
        return out


class PlainProducts:
    """Weights keep the checkpoint's dtype."""

    def __init__(self, library: Library, team: Team) -> None:
        self._place = (library, team)
        self._gathered = Scratch()

    def pack(self, parts: Parts, bias_O: torch.Tensor | None, num_matrices: int = 1) -> Packed:
        return pack(*self._place, parts, bias_O, num_matrices)

    def pack_gate_up(
        self, parts: Parts, bias_O: torch.Tensor | None, num_matrices: int = 1
    ) -> Packed:
        return pack_gate_up(*self._place, parts, bias_O, num_matrices)

    def pack_exact(self, parts: Parts) -> Packed:
        return pack(*self._place, parts)

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

    def experts_gate_up(
        self, program: Program, groups: Groups, x_TD: torch.Tensor, weight: Matrix,
        out_NF: torch.Tensor,
    ) -> None:  # fmt: skip
        assert isinstance(weight, Packed)
        x_ND = self._gathered.rows_of(program, groups, x_TD)
        add_grouped_gate_up(program, groups, x_ND, weight, out_NF)

    def experts_down(
        self, program: Program, groups: Groups, x_NF: torch.Tensor, weight: Matrix,
        out_ND: torch.Tensor,
    ) -> None:  # fmt: skip
        assert isinstance(weight, Packed)
        add_grouped_linear(program, groups, x_NF, weight, out_ND)


class QuantizedProducts:
    """Weights of few bits; activations are rounded to 8 bits before each product."""

    def __init__(self, library: Library, team: Team, bits: Bits) -> None:
        self._place = (library, team)
        self._bits = bits
        self._rounded, self._gathered = Scratch(), Scratch()

    def pack(self, parts: Parts, bias_O: torch.Tensor | None, num_matrices: int = 1) -> Quantized:
        return quantize(*self._place, parts, bias_O, self._bits, num_matrices)

    def pack_gate_up(
        self, parts: Parts, bias_O: torch.Tensor | None, num_matrices: int = 1
    ) -> Quantized:
        return quantize_gate_up(*self._place, parts, bias_O, self._bits, num_matrices)

    def pack_exact(self, parts: Parts) -> Packed:
        return pack(*self._place, parts)

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

    def experts_gate_up(
        self, program: Program, groups: Groups, x_TD: torch.Tensor, weight: Matrix,
        out_NF: torch.Tensor,
    ) -> None:  # fmt: skip
        """A token is rounded once, for all its experts."""
        assert isinstance(weight, Quantized)
        x_TGB = self._round(program, Extent.TOKENS, x_TD)
        x_NGB = self._gathered.rows_of(program, groups, x_TGB)
        add_quant_grouped_gate_up(program, groups, x_NGB, weight, out_NF)

    def experts_down(
        self, program: Program, groups: Groups, x_NF: torch.Tensor, weight: Matrix,
        out_ND: torch.Tensor,
    ) -> None:  # fmt: skip
        """The rows of a step's T tokens are the first T K: as many values as T rows that are K times as long."""
        assert isinstance(weight, Quantized)
        x_TF = x_NF.view(len(groups.places_TK), -1)
        x_NGB = self._round(program, Extent.TOKENS, x_TF).view(groups.num_rows, -1, GROUP_BYTES)
        add_quant_grouped_linear(program, groups, x_NGB, weight, out_ND)

    def _round(self, program: Program, extent: Extent, x_TI: torch.Tensor) -> torch.Tensor:
        num_rows, depth = x_TI.shape
        shape = (num_rows, depth // GROUP, GROUP_BYTES)
        rounded_TGB = self._rounded.get(shape, torch.uint8)
        add_quantize_rows(program, extent, x_TI, rounded_TGB)
        return rounded_TGB
