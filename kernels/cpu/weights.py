"""Weights packed for the kernels, from the rows of one or more matrices. Knows columns, not layers.

O outputs of a linear, I inputs, P outputs rounded up to whole panels.
"""

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from penstock.kernels.cpu.library import DTYPE_NAMES, Library
from penstock.kernels.cpu.memory import zeros
from penstock.kernels.cpu.program import Team

Parts = Sequence[torch.Tensor]
"""A matrix [O, I] as several, one below the other; each may lie in a mapped file."""

PANEL = 32
WORD_BYTES = 4
_LANES = PANEL // 2


@dataclass(frozen=True, slots=True)
class Packed:
    """A matrix in panels, with the bias of each column in their order."""

    data: torch.Tensor
    bias_P: torch.Tensor | None
    columns: int
    """Before the panels' padding."""
    depth: int
    num_matrices: int = 1
    """Of one shape, one after another, each in panels of its own; `columns` are those of one."""

    @property
    def nbytes(self) -> int:
        return self.data.nbytes


@dataclass(frozen=True, slots=True)
class Order:
    """Which row of the source becomes which packed column."""

    sources_P: npt.NDArray[np.int64]
    """-1 for none."""
    columns: int
    num_matrices: int


def pack(
    library: Library, team: Team, parts: Parts, bias_O: torch.Tensor | None = None,
    num_matrices: int = 1,
) -> Packed:  # fmt: skip
    """Column o is row o of the matrix."""
    order = stacked(plain_order, num_rows(parts), num_matrices)
    return _pack(library, team, parts, bias_O, order)


def pack_gate_up(
    library: Library, team: Team, parts: Parts, bias_O: torch.Tensor | None = None,
    num_matrices: int = 1,
) -> Packed:  # fmt: skip
    """The first half of the rows are gates, the second their ups: each panel takes 16 of both."""
    order = stacked(gate_up_order, num_rows(parts), num_matrices)
    return _pack(library, team, parts, bias_O, order)


def can_pack(weight_OI: torch.Tensor) -> bool:
    """Whether the kernels know its dtype and size."""
    whole_words = weight_OI.shape[1] * weight_OI.itemsize % WORD_BYTES == 0
    return weight_OI.dtype in DTYPE_NAMES and whole_words


def plain_order(num_outputs: int) -> npt.NDArray[np.int64]:
    """The source row of each packed column, -1 for none."""
    order_P = np.arange(-(-num_outputs // PANEL) * PANEL)
    return np.where(order_P < num_outputs, order_P, -1)


def gate_up_order(num_outputs: int) -> npt.NDArray[np.int64]:
    """The same where each panel holds 16 of the first half and their twins of the second."""
    half = num_outputs // 2
    gates_P = plain_order(half).reshape(-1, PANEL)
    gates = gates_P.reshape(-1, _LANES)
    gates = gates[: -(-half // _LANES)]
    ups = np.where(gates < 0, -1, gates + half)
    return np.concatenate((gates, ups), axis=1).reshape(-1)


def stacked(
    order_of: Callable[[int], npt.NDArray[np.int64]], num_outputs: int, num_matrices: int
) -> Order:
    """Of matrices that lie one below the other, `num_outputs` rows in all."""
    assert num_outputs % num_matrices == 0, (num_outputs, num_matrices)
    columns = num_outputs // num_matrices
    order_P = order_of(columns)
    firsts = np.arange(num_matrices)[:, None] * columns
    sources_P = np.where(order_P < 0, -1, order_P + firsts).reshape(-1)
    return Order(sources_P, columns, num_matrices)


def _pack(
    library: Library, team: Team, parts: Parts, bias_O: torch.Tensor | None, order: Order
) -> Packed:
    dtype, depth = parts[0].dtype, parts[0].shape[1]
    assert can_pack(parts[0]), (dtype, depth)
    order_P = order.sources_P
    addresses_P = row_addresses(parts, order_P)
    data = zeros((len(order_P) // PANEL, depth, PANEL), dtype)
    rows = ctypes.c_void_p(addresses_P.ctypes.data)
    words = depth * dtype.itemsize // WORD_BYTES
    library.call("pack", ctypes.c_void_p(team.handle), rows, len(order_P), words, data)
    bias_P = packed_bias(bias_O, order_P)
    return Packed(data, bias_P, order.columns, depth, order.num_matrices)


def num_rows(parts: Parts) -> int:
    return sum(len(part) for part in parts)


def row_addresses(parts: Parts, order_P: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Where the row of each packed column begins, 0 for none."""
    assert all(part.is_contiguous() for part in parts)
    assert len({(part.dtype, part.shape[1]) for part in parts}) == 1, parts
    row_bytes = parts[0].shape[1] * parts[0].itemsize
    rows = [part.data_ptr() + np.arange(len(part)) * row_bytes for part in parts]
    return np.concatenate([*rows, [0]])[order_P]  # -1, the last, is the padding's


def packed_bias(bias_O: torch.Tensor | None, order_P: npt.NDArray[np.int64]) -> torch.Tensor | None:
    """Float32, in the order of the packed columns, zero where there is none."""
    if bias_O is None:
        return None
    padded = torch.cat((bias_O.float(), torch.zeros(1)))  # -1, the last, is the padding's
    return padded[torch.from_numpy(order_P)].contiguous()
