"""How large the tiles of a product by experts are, by the rows that an expert can expect. Knows no tensors.

A program keeps in shared memory, for each stage that loads ahead, a tile of its rows and one of weights.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import triton

from penstock.kernels.triton.device import Device


class Step(NamedTuple):
    """What a program takes in at a time: bytes of an activation and of a weight, and how many inputs, if not any."""

    x_bytes: int
    w_bytes: float
    inputs: int | None = None


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
"""By the bytes of what is multiplied, the fewest rows first."""
_FIXED_ROWS, _USUAL_COLUMNS = 64, 128


def product_blocks(
    step: Step, num_assignments: int, num_experts: int, device: Device, *, batch_invariant: bool
) -> Blocks:
    """Few rows are limited by reading weights, and need no large tile.

    With `batch_invariant` nothing but the model and the device decides. Rows do not depend on the weights' kind.
    """
    expected = triton.cdiv(num_assignments, num_experts)
    wanted = _FIXED_ROWS if batch_invariant else expected
    known = _PRODUCTS[4 if step.x_bytes == 4 else 2]
    blocks = _stepping(next((one for one in known if one.rows >= wanted), known[-1]), step)
    while blocks.stages > 1 and shared_bytes(blocks, step) > device.shared_bytes:
        blocks = _smaller(blocks)
    return blocks


def _stepping(blocks: Blocks, step: Step) -> Blocks:
    """Weights that become numbers on their way, and sums of groups, leave no registers for the widest tile."""
    if step.inputs is None:
        return blocks
    return blocks._replace(depth=step.inputs, columns=min(blocks.columns, _USUAL_COLUMNS))


def _smaller(blocks: Blocks) -> Blocks:
    """The widest tile is for devices with much shared memory, which can sum without holding operands in registers."""
    if blocks.columns > _USUAL_COLUMNS:
        return blocks._replace(columns=_USUAL_COLUMNS)
    return blocks._replace(stages=blocks.stages - 1)


def shared_bytes(blocks: Blocks, step: Step) -> int:
    """An estimate of what the compiler will ask for."""
    of_an_input = blocks.rows * step.x_bytes + blocks.columns * step.w_bytes
    return int(of_an_input * blocks.depth * blocks.stages)
