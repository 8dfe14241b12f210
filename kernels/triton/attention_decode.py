"""Attention of rows with one token: the context is split, what the splits found is combined. Knows one op's tensors.

    a row's context   [ split 0 | split 1 | ... ]    whole tiles each; how many, the row's own length decides

A program takes one split for all query heads of one KV head. Splits are folded in their order, so that the same
rows give the same bits again; how long a split is depends on how many rows there are.
Legend: R rows, H query heads, G KV heads, N splits at most, D head dimension.
"""

from typing import NamedTuple

import torch
import triton
import triton.language as tl

from penstock.kernels.triton.attention_call import AttentionCall
from penstock.kernels.triton.attention_tiles import fold_tile, slots_of
from penstock.kernels.triton.device import Device, device_of

_WAVES = 4
_LEAST_SPLITS, _MOST_SPLITS = 8, 128


class Splits(NamedTuple):
    """No split is shorter than so many tiles but a row's last, and no row has more splits."""

    tiles: int
    most: int


def splits(num_rows: int, num_kv_heads: int, device: Device) -> Splits:
    """Enough programs for every processor; few rows are cut finer, long rows always."""
    wanted = triton.next_power_of_2(triton.cdiv(_WAVES * device.num_sms, num_rows * num_kv_heads))
    most = min(max(wanted, _LEAST_SPLITS), _MOST_SPLITS)
    return Splits(tiles=1 if most > _LEAST_SPLITS else 4, most=most)


def attend_single(call: AttentionCall) -> None:
    """Writes the queries of all rows with one token, and leaves the others' alone."""
    num_rows, num_heads = len(call.rows.context_R), call.q_THD.shape[1]
    cut = splits(num_rows, call.num_kv_heads, device_of(call.q_THD))
    sums_RHND = _floats(call, num_rows, num_heads, cut.most, call.head_dim)
    notes_RHN2 = _floats(call, num_rows, num_heads, cut.most, 2)
    tile = call.blocks.tile
    _split_kernel[(num_rows, call.num_kv_heads, cut.most)](
        call.q_THD, *call.caches, *call.of_rows, sums_RHND, notes_RHN2, *call.strides,
        call.scale, call.window_or_all, num_heads,
        GROUP=call.group, GROUP_BLOCK=max(16, triton.next_power_of_2(call.group)),
        SPLIT_TILES=cut.tiles, MOST_SPLITS=cut.most, TILE=tile,
        **call.constants, num_warps=4, num_stages=call.blocks.stages,
    )  # fmt: skip
    _combine_kernel[(num_rows, num_heads)](
        sums_RHND, notes_RHN2, call.rows.starts_P, call.rows.context_R, call.out_THD,
        call.window_or_all, call.v_scale, num_heads,
        SPLIT_TILES=cut.tiles, MOST_SPLITS=cut.most, TILE=tile,
        HEAD_DIM=call.head_dim, HEAD_BLOCK=call.constants["HEAD_BLOCK"], num_warps=4,
    )  # fmt: skip


def _floats(call: AttentionCall, *shape: int) -> torch.Tensor:
    return torch.empty(shape, dtype=torch.float32, device=call.q_THD.device)


@triton.jit
def _cut(
    context, window, TILE: tl.constexpr, SPLIT_TILES: tl.constexpr, MOST_SPLITS: tl.constexpr
):  # fmt: skip
    """The first position that is seen, the first tile, and the tiles of each split."""
    first = tl.maximum(context - window, 0)
    first_tile = first // TILE
    num_tiles = tl.cdiv(context, TILE) - first_tile
    return first, first_tile, num_tiles, tl.maximum(tl.cdiv(num_tiles, MOST_SPLITS), SPLIT_TILES)


@triton.jit
def _split_kernel(
    q_ptr, k_ptr, v_ptr, starts_ptr, context_ptr, table_ptr, sums_ptr, notes_ptr,
    slot_stride, head_stride, table_stride, scale, window, num_heads,
    GROUP: tl.constexpr, GROUP_BLOCK: tl.constexpr, SPLIT_TILES: tl.constexpr,
    MOST_SPLITS: tl.constexpr, TILE: tl.constexpr,
    BLOCK_SIZE: tl.constexpr, HEAD_DIM: tl.constexpr, HEAD_BLOCK: tl.constexpr, E4M3: tl.constexpr,
):  # fmt: skip
    row, kv_head, split = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    token = tl.load(starts_ptr + row).to(tl.int64)
    context = tl.load(context_ptr + row)
    first, first_tile, num_tiles, split_tiles = _cut(
        context, window, TILE, SPLIT_TILES, MOST_SPLITS
    )
    if (tl.load(starts_ptr + row + 1) != token + 1) | (split * split_tiles >= num_tiles):
        return
    members = tl.arange(0, GROUP_BLOCK)
    heads = kv_head * GROUP + members
    columns = tl.arange(0, HEAD_BLOCK)
    mask = (members < GROUP)[:, None] & (columns < HEAD_DIM)[None, :]
    places = (token * num_heads + heads)[:, None] * HEAD_DIM + columns[None, :]
    q = tl.load(q_ptr + places, mask=mask, other=0.0)
    k_head_ptr = k_ptr + kv_head.to(tl.int64) * head_stride
    v_head_ptr = v_ptr + kv_head.to(tl.int64) * head_stride
    best = tl.full([GROUP_BLOCK], float("-inf"), tl.float32)
    total = tl.zeros([GROUP_BLOCK], tl.float32)
    acc = tl.zeros([GROUP_BLOCK, HEAD_BLOCK], tl.float32)
    begin = (first_tile + split * split_tiles) * TILE
    end = tl.minimum(begin + split_tiles * TILE, context)
    for start in range(begin, end, TILE):
        positions = start + tl.arange(0, TILE)
        seen = (positions >= first) & (positions < context)
        row_table_ptr = table_ptr + row.to(tl.int64) * table_stride
        slots = slots_of(row_table_ptr, positions, seen, BLOCK_SIZE)
        best, total, acc = fold_tile(
            q, k_head_ptr, v_head_ptr, slots, seen, seen[None, :], columns, slot_stride, scale,
            best, total, acc, HEAD_DIM, E4M3, True,
        )  # fmt: skip
    results = (row.to(tl.int64) * num_heads + heads) * MOST_SPLITS + split
    is_head = members < GROUP
    tl.store(sums_ptr + results[:, None] * HEAD_DIM + columns[None, :], acc, mask=mask)
    tl.store(notes_ptr + results * 2, best, mask=is_head)
    tl.store(notes_ptr + results * 2 + 1, total, mask=is_head)


@triton.jit
def _combine_kernel(
    sums_ptr, notes_ptr, starts_ptr, context_ptr, out_ptr, window, v_scale, num_heads,
    SPLIT_TILES: tl.constexpr, MOST_SPLITS: tl.constexpr, TILE: tl.constexpr,
    HEAD_DIM: tl.constexpr, HEAD_BLOCK: tl.constexpr,
):  # fmt: skip
    row, head = tl.program_id(0), tl.program_id(1)
    token = tl.load(starts_ptr + row).to(tl.int64)
    if tl.load(starts_ptr + row + 1) != token + 1:
        return
    context = tl.load(context_ptr + row)
    _, _, num_tiles, split_tiles = _cut(context, window, TILE, SPLIT_TILES, MOST_SPLITS)
    num_splits = tl.cdiv(num_tiles, split_tiles)
    results = (row.to(tl.int64) * num_heads + head) * MOST_SPLITS
    every = tl.arange(0, MOST_SPLITS)
    bests = tl.load(notes_ptr + (results + every) * 2, mask=every < num_splits, other=float("-inf"))
    totals = tl.load(notes_ptr + (results + every) * 2 + 1, mask=every < num_splits, other=0.0)
    best = tl.max(bests, axis=0)
    base = tl.where(best == float("-inf"), 0.0, best)  # without a context there is none
    total = tl.sum(totals * tl.exp2(bests - base), axis=0)
    columns = tl.arange(0, HEAD_BLOCK)
    mask = columns < HEAD_DIM
    acc = tl.zeros([HEAD_BLOCK], tl.float32)
    for split in range(num_splits):
        part = tl.load(sums_ptr + (results + split) * HEAD_DIM + columns, mask=mask, other=0.0)
        acc += part * tl.exp2(tl.load(notes_ptr + (results + split) * 2) - base)
    out = acc / tl.where(total == 0.0, 1.0, total) * v_scale
    places = (token * num_heads + head) * HEAD_DIM + columns
    tl.store(out_ptr + places, out.to(out_ptr.dtype.element_ty), mask=mask)
