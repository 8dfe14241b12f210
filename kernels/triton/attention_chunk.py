"""Attention of rows with any number of tokens, causal, over the pages of what came before. Knows one op's tensors.

A program takes QUERIES tokens of one row for all query heads of one KV head, packed into one tile of rows:

    tile of rows   [ token 0: heads 0 .. M-1 | token 1: heads 0 .. M-1 | ... | unused ]

Every query's softmax is one chain over tiles at multiples of TILE, so its bits depend neither on the other rows nor
on where its own row was cut into chunks, as long as the blocks are the same.
"""

import triton
import triton.language as tl

from penstock.kernels.triton.attention_call import AttentionCall
from penstock.kernels.triton.attention_tiles import fold_tile, slots_of


def attend_chunks(call: AttentionCall, *, skip_single: bool, batch_invariant: bool) -> None:
    """Writes the queries of every row, or of all that have more than one.

    With `batch_invariant` tiles that all queries see are masked as well: without the mask the compiler
    may join a product and a sum, and which tiles those are depends on where the row was cut.
    """
    blocks, num_rows = call.blocks, len(call.rows.context_R)
    queries = blocks.rows // call.group
    num_tiles = len(call.q_THD) // queries + num_rows
    _chunk_kernel[(num_tiles, call.num_kv_heads)](
        call.q_THD, *call.caches, *call.of_rows, call.out_THD, *call.strides,
        call.scale, call.v_scale, call.window_or_all, call.q_THD.shape[1], num_rows,
        GROUP=call.group, QUERIES=queries, TILE_ROWS=blocks.rows, TILE=blocks.tile,
        WINDOW=call.window is not None, SKIP_SINGLE=skip_single, MASK_ALL=batch_invariant or call.window is not None,
        **call.constants,
        num_warps=blocks.warps, num_stages=blocks.stages,
    )  # fmt: skip


@triton.jit
def _row_of_tile(starts_ptr, tile, num_rows, QUERIES: tl.constexpr):
    """Row r has the tiles from starts[r] // QUERIES + r on, which are enough for it."""
    low: tl.int32 = 0
    high: tl.int32 = num_rows
    while low < high:
        middle = (low + high) // 2
        if tl.load(starts_ptr + middle) // QUERIES + middle <= tile:
            low = middle + 1
        else:
            high = middle
    return low - 1


@triton.jit(do_not_specialize=["num_rows"])
def _chunk_kernel(
    q_ptr, k_ptr, v_ptr, starts_ptr, context_ptr, table_ptr, out_ptr,
    slot_stride, head_stride, table_stride, scale, v_scale, window, num_heads, num_rows,
    GROUP: tl.constexpr, QUERIES: tl.constexpr, TILE_ROWS: tl.constexpr, TILE: tl.constexpr,
    WINDOW: tl.constexpr, SKIP_SINGLE: tl.constexpr, MASK_ALL: tl.constexpr,
    BLOCK_SIZE: tl.constexpr, HEAD_DIM: tl.constexpr, HEAD_BLOCK: tl.constexpr, E4M3: tl.constexpr,
):  # fmt: skip
    tile, kv_head = tl.program_id(0), tl.program_id(1)
    row = _row_of_tile(starts_ptr, tile, num_rows, QUERIES)
    token = tl.load(starts_ptr + row)
    num_queries = tl.load(starts_ptr + row + 1) - token
    query = (tile - (token // QUERIES + row)) * QUERIES
    if (query >= num_queries) | (SKIP_SINGLE & (num_queries == 1)):
        return
    context = tl.load(context_ptr + row)
    before = context - num_queries
    packed = tl.arange(0, TILE_ROWS)
    queries = query + packed // GROUP
    heads = kv_head * GROUP + packed % GROUP
    columns = tl.arange(0, HEAD_BLOCK)
    mask = ((packed < QUERIES * GROUP) & (queries < num_queries))[:, None]
    mask = mask & (columns < HEAD_DIM)[None, :]
    places = ((token + queries).to(tl.int64) * num_heads + heads)[:, None] * HEAD_DIM
    q = tl.load(q_ptr + places + columns[None, :], mask=mask, other=0.0)
    positions = before + queries
    lowest = before + query
    end = tl.minimum(lowest + QUERIES, context)
    begin = tl.maximum(lowest - window + 1, 0) // TILE * TILE if WINDOW else 0
    k_head_ptr = k_ptr + kv_head.to(tl.int64) * head_stride
    v_head_ptr = v_ptr + kv_head.to(tl.int64) * head_stride
    row_table_ptr = table_ptr + row.to(tl.int64) * table_stride
    best = tl.full([TILE_ROWS], float("-inf"), tl.float32)
    total = tl.zeros([TILE_ROWS], tl.float32)
    acc = tl.zeros([TILE_ROWS, HEAD_BLOCK], tl.float32)
    clear = begin if MASK_ALL else (lowest + 1) // TILE * TILE
    for start in range(begin, clear, TILE):
        keys = start + tl.arange(0, TILE)
        seen = keys >= 0
        slots = slots_of(row_table_ptr, keys, seen, BLOCK_SIZE)
        best, total, acc = fold_tile(
            q, k_head_ptr, v_head_ptr, slots, seen, seen[None, :], columns, slot_stride, scale,
            best, total, acc, HEAD_DIM, E4M3, False,
        )  # fmt: skip
    for start in range(clear, end, TILE):
        keys = start + tl.arange(0, TILE)
        seen = keys < end
        visible = keys[None, :] <= positions[:, None]
        if WINDOW:
            visible = visible & (keys[None, :] > positions[:, None] - window)
        slots = slots_of(row_table_ptr, keys, seen, BLOCK_SIZE)
        best, total, acc = fold_tile(
            q, k_head_ptr, v_head_ptr, slots, seen, visible, columns, slot_stride, scale,
            best, total, acc, HEAD_DIM, E4M3, True,
        )  # fmt: skip
    out = acc / tl.where(total == 0.0, 1.0, total)[:, None] * v_scale
    tl.store(out_ptr + places + columns[None, :], out.to(out_ptr.dtype.element_ty), mask=mask)
