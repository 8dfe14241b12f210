"""Weights rounded to 8 or 4 bits and packed for the kernels. Knows columns, not layers.

Each column has a scale for every 32 of its inputs; rounding is to nearest, for 4 bits with the scale that leaves the
least squared error of several. See `source/quantized.hpp` for the bytes.
O outputs of a linear, I inputs, P outputs rounded up to whole panels, B bytes of a group of one panel.
"""

import ctypes
import enum
from dataclasses import dataclass

import torch

from penstock.kernels.cpu.library import DTYPE_NAMES, Library
from penstock.kernels.cpu.limits import GROUP
from penstock.kernels.cpu.memory import zeros
from penstock.kernels.cpu.program import Team
from penstock.kernels.cpu.weights import (
    PANEL,
    Order,
    Parts,
    gate_up_order,
    num_rows,
    packed_bias,
    plain_order,
    row_addresses,
    stacked,
)

_SCALE_BYTES = 2


class Bits(enum.IntEnum):
    """Of one weight."""

    INT8 = 8
    INT4 = 4

    @property
    def suffix(self) -> str:
        """Of the functions that are made for it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Quantized:
    """A matrix in panels, with the bias of each column in their order."""

    data_PGB: torch.Tensor
    """uint8 [panels, groups, bytes]."""
    bias_P: torch.Tensor | None
    bits: Bits
    columns: int
    """Before the panels' padding."""
    depth: int
    num_matrices: int = 1
    """Of one shape, one after another, each in panels of its own; `columns` are those of one."""

    @property
    def nbytes(self) -> int:
        return self.data_PGB.nbytes


def quantize(
    library: Library, team: Team, parts: Parts, bias_O: torch.Tensor | None, bits: Bits,
    num_matrices: int = 1,
) -> Quantized:  # fmt: skip
    """Column o is row o of the matrix."""
    order = stacked(plain_order, num_rows(parts), num_matrices)
    return _quantize(library, team, parts, bias_O, bits, order)


def quantize_gate_up(
    library: Library, team: Team, parts: Parts, bias_O: torch.Tensor | None, bits: Bits,
    num_matrices: int = 1,
) -> Quantized:  # fmt: skip
    """The first half of the rows are gates, the second their ups: each panel takes 16 of both."""
    order = stacked(gate_up_order, num_rows(parts), num_matrices)
    return _quantize(library, team, parts, bias_O, bits, order)


def can_quantize(weight_OI: torch.Tensor) -> bool:
    """Whether the kernels know its dtype and size."""
    return weight_OI.dtype in DTYPE_NAMES and weight_OI.shape[1] % GROUP == 0


def _quantize(
    library: Library, team: Team, parts: Parts, bias_O: torch.Tensor | None,
    bits: Bits, order: Order,
) -> Quantized:  # fmt: skip
    dtype, depth = parts[0].dtype, parts[0].shape[1]
    assert can_quantize(parts[0]), (dtype, depth)
    order_P = order.sources_P
    addresses_P = row_addresses(parts, order_P)
    group_bytes = PANEL * (_SCALE_BYTES + GROUP * bits // 8)
    data_PGB = zeros((len(order_P) // PANEL, depth // GROUP, group_bytes), torch.uint8)
    rows = ctypes.c_void_p(addresses_P.ctypes.data)
    name = f"quant_pack_{bits.suffix}_{DTYPE_NAMES[dtype]}"
    library.call(name, ctypes.c_void_p(team.handle), rows, len(order_P), depth, data_PGB)
    bias_P = packed_bias(bias_O, order_P)
    return Quantized(data_PGB, bias_P, bits, order.columns, depth, order.num_matrices)
