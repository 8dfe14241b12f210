"""Products of rows with the weights of the experts they were assigned to. Knows no router and no sums over experts.

A program takes ROWS places of one expert and some columns, and INPUTS of both at each step, by its weights' FOLD (see
`linear_spans`). Answers lie by assignment again, so that places without one cost no memory.
Legend: T tokens, I inputs, O outputs of an expert, F half of them, K experts of one token, N = T K assignments.
"""

from typing import Any

import torch
import triton
import triton.language as tl

from penstock.kernels.triton.expert_blocks import Blocks
from penstock.kernels.triton.expert_order import Order
from penstock.kernels.triton.expert_weights import Activations, ExpertWeights

_GROUP = 8


def gate_up_silu(
    x: Activations, weights: ExpertWeights, order: Order, blocks: Blocks, inner_NF: torch.Tensor
) -> None:
    """Fills [N, F] with silu of the gate times up; a program takes the same columns of both."""
    num_assignments, width = inner_NF.shape
    columns = blocks.columns // 2
    num_columns = triton.cdiv(width, columns)
    _gate_up_kernel[(order.num_tiles * num_columns,)](
        *_inputs(x, weights, order), inner_NF, num_assignments, order.num_tiles, num_columns, width,
        CHOSEN=num_assignments // len(x.rows_NI), COLUMNS=columns, **_constants(blocks, weights),
    )  # fmt: skip


def down(
    inner: Activations, weights: ExpertWeights, order: Order, blocks: Blocks, own_NO: torch.Tensor
) -> None:
    """Fills [N, O]."""
    num_assignments, size = own_NO.shape
    num_columns = triton.cdiv(size, blocks.columns)
    _down_kernel[(order.num_tiles * num_columns,)](
        *_inputs(inner, weights, order), own_NO, num_assignments, order.num_tiles, num_columns,
        size, COLUMNS=blocks.columns, **_constants(blocks, weights),
    )  # fmt: skip


def _inputs(x: Activations, weights: ExpertWeights, order: Order) -> tuple[Any, ...]:
    """What both kernels take first, in their order."""
    return (
        x.rows_NI, weights.stored_EOW, weights.scales_EOG, x.scales_N, weights.output_scales_EO,
        *order, x.rows_NI.stride(0), *weights.strides, weights.num_inputs,
    )  # fmt: skip


def _constants(blocks: Blocks, weights: ExpertWeights) -> dict[str, Any]:
    return {
        "FOLD": weights.fold,
        "ROWS": blocks.rows,
        "INPUTS": blocks.depth,
        "EVEN": weights.num_inputs % blocks.depth == 0,
        "GROUP": _GROUP,
        "num_warps": blocks.warps,
        "num_stages": blocks.stages,
    }


@triton.jit
def _place_of(program, num_tiles, num_columns, GROUP: tl.constexpr):
    """A tile of rows and one of columns: GROUP tiles of rows pass all columns together, so that both stay in cache."""
    first = program // (GROUP * num_columns) * GROUP
    size = tl.minimum(num_tiles - first, GROUP)
    within = program - first * num_columns
    return first + within % size, within // size


@triton.jit
def _assignments(order_ptr, tile, num_assignments, ROWS: tl.constexpr):
    """Those of a tile's places, and which are somebody's; the others read as the last does, and are not written."""
    found = tl.load(order_ptr + tile * ROWS + tl.arange(0, ROWS)).to(tl.int64)
    return tl.minimum(found, num_assignments - 1), found < num_assignments


@triton.jit
def _rounded(sums, token_scales_ptr, rows, output_scales_ptr, outputs, DTYPE: tl.constexpr):
    """Sums [outputs, rows], scaled as the activations and the weights ask for."""
    if token_scales_ptr is not None:
        sums = sums * tl.load(token_scales_ptr + rows)[None, :]
    if output_scales_ptr is not None:
        sums = sums * tl.load(output_scales_ptr + outputs).to(tl.float32)[:, None]
    return sums.to(DTYPE)


@triton.jit(do_not_specialize=["num_assignments", "num_tiles"])
def _gate_up_kernel(
    x_ptr, w_ptr, scales_ptr, token_scales_ptr, output_scales_ptr, order_ptr, experts_ptr,
    x_stride, w_stride, scale_stride, group_stride, num_inputs,
    inner_ptr, num_assignments, num_tiles, num_columns, width,
    FOLD: tl.constexpr, CHOSEN: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr,
    INPUTS: tl.constexpr, EVEN: tl.constexpr, GROUP: tl.constexpr,
):  # fmt: skip
    tile, column = _place_of(tl.program_id(0), num_tiles, num_columns, GROUP)
    expert = tl.load(experts_ptr + tile).to(tl.int64)
    if expert < 0:
        return
    assignments, is_row = _assignments(order_ptr, tile, num_assignments, ROWS)
    tokens = assignments // CHOSEN
    columns = column * COLUMNS + tl.arange(0, COLUMNS)
    gates = expert * 2 * width + tl.minimum(columns, width - 1)
    ups = gates + width
    x_rows = x_ptr + (tokens * x_stride)[None, :]
    gate_rows, up_rows = w_ptr + (gates * w_stride)[:, None], w_ptr + (ups * w_stride)[:, None]
    gate_scales = None if scales_ptr is None else scales_ptr + gates * scale_stride
    up_scales = None if scales_ptr is None else scales_ptr + ups * scale_stride
    gate = tl.zeros([COLUMNS, ROWS], tl.float32)
    up = tl.zeros([COLUMNS, ROWS], tl.float32)
    for start in range(0, num_inputs, INPUTS):
        gate = FOLD(
            gate, x_rows, gate_rows, gate_scales, group_stride, start, num_inputs, INPUTS, EVEN
        )  # fmt: skip
        up = FOLD(up, x_rows, up_rows, up_scales, group_stride, start, num_inputs, INPUTS, EVEN)
    dtype: tl.constexpr = inner_ptr.dtype.element_ty
    gate = _rounded(gate, token_scales_ptr, tokens, output_scales_ptr, gates, dtype).to(tl.float32)
    up = _rounded(up, token_scales_ptr, tokens, output_scales_ptr, ups, dtype).to(tl.float32)
    silu = (gate * tl.sigmoid(gate)).to(dtype).to(tl.float32)
    out_ptr = inner_ptr + (assignments * width)[None, :] + columns[:, None]
    tl.store(out_ptr, (silu * up).to(dtype), mask=is_row[None, :] & (columns < width)[:, None])


@triton.jit(do_not_specialize=["num_assignments", "num_tiles"])
def _down_kernel(
    inner_ptr, w_ptr, scales_ptr, token_scales_ptr, output_scales_ptr, order_ptr, experts_ptr,
    inner_stride, w_stride, scale_stride, group_stride, num_inputs,
    own_ptr, num_assignments, num_tiles, num_columns, size,
    FOLD: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr, INPUTS: tl.constexpr,
    EVEN: tl.constexpr, GROUP: tl.constexpr,
):  # fmt: skip
    tile, column = _place_of(tl.program_id(0), num_tiles, num_columns, GROUP)
    expert = tl.load(experts_ptr + tile).to(tl.int64)
    if expert < 0:
        return
    assignments, is_row = _assignments(order_ptr, tile, num_assignments, ROWS)
    columns = column * COLUMNS + tl.arange(0, COLUMNS)
    outputs = expert * size + tl.minimum(columns, size - 1)
    inner_rows = inner_ptr + (assignments * inner_stride)[None, :]
    w_rows = w_ptr + (outputs * w_stride)[:, None]
    scale_rows = None if scales_ptr is None else scales_ptr + outputs * scale_stride
    own = tl.zeros([COLUMNS, ROWS], tl.float32)
    for start in range(0, num_inputs, INPUTS):
        own = FOLD(
            own, inner_rows, w_rows, scale_rows, group_stride, start, num_inputs, INPUTS, EVEN
        )  # fmt: skip
    dtype: tl.constexpr = own_ptr.dtype.element_ty
    own = _rounded(own, token_scales_ptr, assignments, output_scales_ptr, outputs, dtype)
    out_ptr = own_ptr + (assignments * size)[None, :] + columns[:, None]
    tl.store(out_ptr, own, mask=is_row[None, :] & (columns < size)[:, None])
