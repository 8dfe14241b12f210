"""Products of rows with the weights of the experts they were assigned to. Knows no router and no sums over experts.

A program takes ROWS places of one expert and some columns. Answers lie by assignment again, so that places without
one cost no memory.
Legend: T tokens, D hidden, E experts, I an expert's width, J = 2 I, K experts of one token, N = T K assignments.
"""

import torch
import triton
import triton.language as tl

from penstock.kernels.triton.expert_blocks import Blocks
from penstock.kernels.triton.expert_order import Order

_GROUP = 8


def gate_up_silu(
    x_TD: torch.Tensor, gate_up_EJD: torch.Tensor, order: Order, blocks: Blocks, num_chosen: int
) -> torch.Tensor:
    """[N, I]: silu of the gate times up; a program takes the same columns of both."""
    _, double, hidden = gate_up_EJD.shape
    num_assignments, width = len(x_TD) * num_chosen, double // 2
    inner_NI = x_TD.new_empty((num_assignments, width))
    num_columns = triton.cdiv(width, blocks.columns // 2)
    _gate_up_kernel[(order.num_tiles * num_columns,)](
        x_TD, gate_up_EJD, *order, inner_NI, x_TD.stride(0), num_assignments, order.num_tiles,
        num_columns, hidden, width, CHOSEN=num_chosen, COLUMNS=blocks.columns // 2,
        **_constants(blocks, hidden),
    )  # fmt: skip
    return inner_NI


def down(
    inner_NI: torch.Tensor, down_EDI: torch.Tensor, order: Order, blocks: Blocks
) -> torch.Tensor:
    """[N, D]."""
    _, hidden, width = down_EDI.shape
    own_ND = inner_NI.new_empty((len(inner_NI), hidden))
    num_columns = triton.cdiv(hidden, blocks.columns)
    _down_kernel[(order.num_tiles * num_columns,)](
        inner_NI, down_EDI, *order, own_ND, len(inner_NI), order.num_tiles, num_columns,
        width, hidden, COLUMNS=blocks.columns, **_constants(blocks, width),
    )  # fmt: skip
    return own_ND


def _constants(blocks: Blocks, summed: int) -> dict[str, int]:
    return {
        "ROWS": blocks.rows,
        "DEPTH": blocks.depth,
        "WHOLE": summed % blocks.depth == 0,
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
def _load(from_ptr, known, numbers, size, WHOLE: tl.constexpr):
    """Zero beyond the size, and where nothing is known."""
    mask = known if WHOLE else known & (numbers < size)
    return tl.load(from_ptr + numbers, mask=mask, other=0.0)


@triton.jit(do_not_specialize=["num_assignments", "num_tiles"])
def _gate_up_kernel(
    x_ptr, weight_ptr, order_ptr, experts_ptr, inner_ptr, x_stride, num_assignments, num_tiles,
    num_columns, hidden, width,
    CHOSEN: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr, DEPTH: tl.constexpr,
    WHOLE: tl.constexpr, GROUP: tl.constexpr,
):  # fmt: skip
    tile, column = _place_of(tl.program_id(0), num_tiles, num_columns, GROUP)
    expert = tl.load(experts_ptr + tile).to(tl.int64)
    if expert < 0:
        return
    assignments = tl.load(order_ptr + tile * ROWS + tl.arange(0, ROWS)).to(tl.int64)
    is_row = (assignments < num_assignments)[:, None]
    columns = column * COLUMNS + tl.arange(0, COLUMNS)
    is_column = (columns < width)[None, :]
    rows_ptr = x_ptr + (assignments // CHOSEN * x_stride)[:, None]
    gates_ptr = weight_ptr + expert * 2 * width * hidden + (columns * hidden)[None, :]
    ups_ptr = gates_ptr + width * hidden
    gate = tl.zeros([ROWS, COLUMNS], tl.float32)
    up = tl.zeros([ROWS, COLUMNS], tl.float32)
    for start in range(0, hidden, DEPTH):
        numbers = start + tl.arange(0, DEPTH)
        x = _load(rows_ptr, is_row, numbers[None, :], hidden, WHOLE)
        gates = _load(gates_ptr, is_column, numbers[:, None], hidden, WHOLE)
        ups = _load(ups_ptr, is_column, numbers[:, None], hidden, WHOLE)
        gate = tl.dot(x, gates, gate, input_precision="ieee")
        up = tl.dot(x, ups, up, input_precision="ieee")
    dtype = inner_ptr.dtype.element_ty
    gate, up = gate.to(dtype).to(tl.float32), up.to(dtype).to(tl.float32)
    silu = (gate * tl.sigmoid(gate)).to(dtype).to(tl.float32)
    out_ptr = inner_ptr + (assignments * width)[:, None] + columns[None, :]
    tl.store(out_ptr, (silu * up).to(dtype), mask=is_row & is_column)


@triton.jit(do_not_specialize=["num_assignments", "num_tiles"])
def _down_kernel(
    inner_ptr, weight_ptr, order_ptr, experts_ptr, own_ptr, num_assignments, num_tiles,
    num_columns, width, hidden,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr, DEPTH: tl.constexpr, WHOLE: tl.constexpr,
    GROUP: tl.constexpr,
):  # fmt: skip
    tile, column = _place_of(tl.program_id(0), num_tiles, num_columns, GROUP)
    expert = tl.load(experts_ptr + tile).to(tl.int64)
    if expert < 0:
        return
    assignments = tl.load(order_ptr + tile * ROWS + tl.arange(0, ROWS)).to(tl.int64)
    is_row = (assignments < num_assignments)[:, None]
    columns = column * COLUMNS + tl.arange(0, COLUMNS)
    is_column = (columns < hidden)[None, :]
    rows_ptr = inner_ptr + (assignments * width)[:, None]
    weights_ptr = weight_ptr + expert * hidden * width + (columns * width)[None, :]
    own = tl.zeros([ROWS, COLUMNS], tl.float32)
    for start in range(0, width, DEPTH):
        numbers = start + tl.arange(0, DEPTH)
        inner = _load(rows_ptr, is_row, numbers[None, :], width, WHOLE)
        weights = _load(weights_ptr, is_column, numbers[:, None], width, WHOLE)
        own = tl.dot(inner, weights, own, input_precision="ieee")
    out_ptr = own_ptr + (assignments * hidden)[:, None] + columns[None, :]
    tl.store(out_ptr, own.to(own_ptr.dtype.element_ty), mask=is_row & is_column)
