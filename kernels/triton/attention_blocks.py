"""How large the tiles of attention are, by the bytes of a number and the head dimension. Knows no tensors.

A program keeps in shared memory its queries and, for each stage that loads ahead, a tile of keys and one of values.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import triton

from penstock.kernels.triton.device import Device


class Blocks(NamedTuple):
    """Packed queries and context positions of a tile, and how a program is carried out."""

    rows: int
    tile: int
    warps: int
    stages: int


_LEAST_HEAD_BLOCK, _MOST_HEAD_BLOCK = 64, 256
_CHUNKS: Mapping[tuple[int, int], Blocks] = MappingProxyType(
    {
        (2, 64): Blocks(128, 64, 4, 3),
        (2, 128): Blocks(128, 64, 8, 3),
        (2, 256): Blocks(64, 32, 4, 2),
        (4, 64): Blocks(64, 32, 4, 2),
        (4, 128): Blocks(32, 32, 4, 2),
        (4, 256): Blocks(16, 16, 4, 1),
    }
)
_FIXED_ROWS = 64


def chunk_blocks(
    itemsize: int, head_dim: int, most_rows: int, device: Device, *, batch_invariant: bool
) -> Blocks:
    """`most_rows` are the packed queries of the longest row: few need no large tile.

    With `batch_invariant` nothing but the model and the device decides.
    """
    head_block = min(max(triton.next_power_of_2(head_dim), _LEAST_HEAD_BLOCK), _MOST_HEAD_BLOCK)
    blocks = _CHUNKS[itemsize, head_block]
    wanted = _FIXED_ROWS if batch_invariant else max(16, triton.next_power_of_2(most_rows))
    blocks = blocks._replace(rows=min(blocks.rows, wanted))
    if blocks.rows <= _FIXED_ROWS:
        blocks = blocks._replace(warps=4)
    while blocks.stages > 1 and shared_bytes(blocks, itemsize, head_block) > device.shared_bytes:
        blocks = blocks._replace(stages=blocks.stages - 1)
    return blocks


def shared_bytes(blocks: Blocks, itemsize: int, head_block: int) -> int:
    """An estimate of what the compiler will ask for."""
    return (blocks.rows + 2 * blocks.tile * blocks.stages) * head_block * itemsize
