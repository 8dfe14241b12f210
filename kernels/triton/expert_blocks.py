"""How large the tiles of a product by experts are, by the rows that an expert can expect. Knows no tensors.

A program keeps in shared memory, for each stage that loads ahead, a tile of its rows and one of weights.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import triton

from penstock.kernels.triton.device import Device


class Blocks(NamedTuple):
    """Rows and columns of a tile of the answer, the numbers summed at a time, and how a program is carried out."""

    rows: int
    columns: int
    depth: int
    warps: int
    stages: int


_PRODUCTS: Mapping[int, tuple[Blocks, ...]] = MappingProxyType(
    {
        2: (
            Blocks(16, 64, 128, 4, 4),
            Blocks(32, 128, 64, 4, 4),
            Blocks(64, 128, 64, 4, 4),
            Blocks(128, 256, 64, 8, 4),
        ),
        4: (Blocks(16, 64, 32, 4, 2), Blocks(32, 64, 32, 4, 2)),
    }
)
"""By the bytes of a number, the fewest rows first."""
_FIXED_ROWS, _USUAL_COLUMNS = 64, 128


def product_blocks(
    itemsize: int, num_assignments: int, num_experts: int, device: Device, *, batch_invariant: bool
) -> Blocks:
    """Few rows are limited by reading weights, and need no large tile.

    With `batch_invariant` nothing but the model and the device decides.
    """
    expected = triton.cdiv(num_assignments, num_experts)
    wanted = _FIXED_ROWS if batch_invariant else expected
    known = _PRODUCTS[itemsize]
    blocks = next((one for one in known if one.rows >= wanted), known[-1])
    while blocks.stages > 1 and shared_bytes(blocks, itemsize) > device.shared_bytes:
        blocks = _smaller(blocks)
    return blocks


def _smaller(blocks: Blocks) -> Blocks:
    """The widest tile is for devices with much shared memory, which can sum without holding operands in registers."""
    if blocks.columns > _USUAL_COLUMNS:
        return blocks._replace(columns=_USUAL_COLUMNS)
    return blocks._replace(stages=blocks.stages - 1)


def shared_bytes(blocks: Blocks, itemsize: int) -> int:
    """An estimate of what the compiler will ask for."""
    return (blocks.rows + blocks.columns) * blocks.depth * blocks.stages * itemsize
