"""Which rows each tile of a product by experts takes: those of one expert, in their order. Knows no weights.

    assignment   token t's k-th choice has the number t K + k
    order        [ expert 0's assignments | nobody | expert 1's | nobody | ... ]    each from a multiple of ROWS on
    experts      whose each tile of ROWS places is

It is made on the device. The host knows only how many tiles there can be at most, so a captured launch may be
replayed over other choices.
Legend: T tokens, E experts, K experts of one token, N = T K assignments, M tiles at most, P = M ROWS places.
"""

from typing import NamedTuple

import torch
import triton
import triton.language as tl

_ASSIGNMENTS, _TILES = 1024, 128


class Order(NamedTuple):
    """An assignment of N is nobody's; an expert of -1 has tiles that are not needed, whose places hold anything."""

    assignments_P: torch.Tensor
    experts_M: torch.Tensor

    @property
    def num_tiles(self) -> int:
        return len(self.experts_M)


def most_tiles(num_assignments: int, num_experts: int, rows: int) -> int:
    """Each expert that is wanted at all has one tile, and one more for every `rows` others."""
    wanted = min(num_assignments, num_experts)
    return wanted + (num_assignments - wanted) // rows


def order_by_expert(experts_TK: torch.Tensor, num_experts: int, rows: int) -> Order:
    """Ids are of [0, num_experts)."""
    assert experts_TK.is_contiguous()
    num_assignments, device = experts_TK.numel(), experts_TK.device
    num_tiles = most_tiles(num_assignments, num_experts, rows)
    counts_E = torch.empty(num_experts, dtype=torch.int32, device=device)
    found = Order(
        torch.empty(num_tiles * rows, dtype=torch.int32, device=device),
        torch.empty(num_tiles, dtype=torch.int32, device=device),
    )
    block = min(_ASSIGNMENTS, max(16, triton.next_power_of_2(num_assignments)))
    _count_kernel[(num_experts,)](experts_TK, counts_E, num_assignments, BLOCK=block, num_warps=4)
    _place_kernel[(num_experts + 1,)](
        experts_TK, counts_E, *found, num_assignments, num_tiles,
        EXPERTS=num_experts, ALL_EXPERTS=triton.next_power_of_2(num_experts),
        ROWS=rows, BLOCK=block, TILES=_TILES, num_warps=4,
    )  # fmt: skip
    return found


@triton.jit(do_not_specialize=["num_assignments"])
def _count_kernel(experts_ptr, counts_ptr, num_assignments, BLOCK: tl.constexpr):
    expert = tl.program_id(0)
    hits = tl.zeros([BLOCK], tl.int32)
    for start in range(0, num_assignments, BLOCK):
        assignments = start + tl.arange(0, BLOCK)
        experts = tl.load(experts_ptr + assignments, mask=assignments < num_assignments, other=-1)
        hits += (experts == expert).to(tl.int32)
    tl.store(counts_ptr + expert, tl.sum(hits, axis=0))


@triton.jit
def _fill(tiles_ptr, begin, end, value, TILES: tl.constexpr):
    for start in range(begin, end, TILES):
        tiles = start + tl.arange(0, TILES)
        tl.store(tiles_ptr + tiles, tl.zeros([TILES], tl.int32) + value, mask=tiles < end)


@triton.jit(do_not_specialize=["num_assignments", "num_tiles"])
def _place_kernel(
    experts_ptr, counts_ptr, order_ptr, tiles_ptr, num_assignments, num_tiles,
    EXPERTS: tl.constexpr, ALL_EXPERTS: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr,
    TILES: tl.constexpr,
):  # fmt: skip
    """A program places one expert's assignments; the last one marks the tiles that are left over."""
    expert = tl.program_id(0)
    every = tl.arange(0, ALL_EXPERTS)
    counts = tl.load(counts_ptr + every, mask=every < EXPERTS, other=0)
    first_tile = tl.sum(tl.where(every < expert, tl.cdiv(counts, ROWS), 0), axis=0)
    if expert == EXPERTS:
        _fill(tiles_ptr, first_tile, num_tiles, -1, TILES)
        return
    count = tl.sum(tl.where(every == expert, counts, 0), axis=0)
    last_tile = first_tile + tl.cdiv(count, ROWS)
    _fill(tiles_ptr, first_tile, last_tile, expert, TILES)
    place = first_tile * ROWS
    for start in range(0, num_assignments, BLOCK):
        assignments = start + tl.arange(0, BLOCK)
        experts = tl.load(experts_ptr + assignments, mask=assignments < num_assignments, other=-1)
        hits = (experts == expert).to(tl.int32)
        ranks = tl.cumsum(hits, axis=0) - 1
        tl.store(order_ptr + place + ranks, assignments, mask=hits > 0)
        place += tl.sum(hits, axis=0)
    nobody = place + tl.arange(0, ROWS)
    tl.store(
        order_ptr + nobody,
        tl.zeros([ROWS], tl.int32) + num_assignments,
        mask=nobody < last_tile * ROWS,
    )
