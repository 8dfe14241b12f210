"""Attention over pages, of rows that decode and of prompts. Knows its bytes and operations, no clock.

Legend: T tokens, R rows, C context, H query heads, G KV heads, D head dimension.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from penstock.bench.kernels.case import ITEM, Case, Run, Work, by_tokens
from penstock.bench.kernels.models import Loads, Model
from penstock.kernels.reference.kv_codes import FP8
from penstock.kernels.rows import Rows

if TYPE_CHECKING:
    from penstock.bench.kernels.lab import Lab

BLOCK_SIZE = 16
_BLOCK_ID = 4
"""Bytes of one."""


def decode(model: Model, loads: Loads) -> Iterator[Case]:
    for rows in loads.batches:
        for context in loads.contexts:
            work = decode_work(model, rows, context, ITEM)
            yield Case(_what(rows, context), work, partial(_run_decode, model, rows, context))


def decode_fp8(model: Model, loads: Loads) -> Iterator[Case]:
    for rows in loads.batches:
        for context in loads.contexts:
            work = decode_work(model, rows, context, 1)
            yield Case(_what(rows, context), work, partial(_run_decode_fp8, model, rows, context))


def _what(rows: int, context: int) -> str:
    return f"batch {rows}, context {context}"


def decode_work(model: Model, rows: int, context: int, cache_item: int) -> Work:
    """Each row's keys and values once, for all its query heads."""
    cache = 2 * rows * context * model.num_kv_heads * model.head_dim * cache_item
    queries_and_answers = 2 * rows * model.num_heads * model.head_dim * ITEM
    tables = rows * _num_blocks(context) * _BLOCK_ID
    operations = 4 * rows * context * model.num_heads * model.head_dim
    return Work(cache + queries_and_answers + tables, operations)


def prefill(model: Model, loads: Loads) -> Iterator[Case]:
    return by_tokens(model, loads.prompts, prefill_work, _run_prefill, "prompt")


def prefill_work(model: Model, tokens: int) -> Work:
    """Causal: the t-th token looks at t positions."""
    heads = 2 * model.num_heads + 2 * model.num_kv_heads
    tables = _num_blocks(tokens) * _BLOCK_ID
    pairs = tokens * (tokens + 1) // 2
    return Work(
        tokens * heads * model.head_dim * ITEM + tables,
        4 * pairs * model.num_heads * model.head_dim,
    )


def _num_blocks(context: int) -> int:
    return -(-context // BLOCK_SIZE)


def _run_decode(model: Model, rows: int, context: int, lab: "Lab") -> Run:
    q_RHD = lab.normal(rows, model.num_heads, model.head_dim)
    k_RGCD, v_RGCD = (lab.normal(rows, model.num_kv_heads, context, model.head_dim) for _ in "kv")
    attend = F.scaled_dot_product_attention
    return Run(
        _paged(model, q_RHD, [1] * rows, context, lab.dtype, lab),
        lambda: attend(q_RHD[:, :, None], k_RGCD, v_RGCD, enable_gqa=True),
    )


def _run_decode_fp8(model: Model, rows: int, context: int, lab: "Lab") -> Run:
    q_RHD = lab.normal(rows, model.num_heads, model.head_dim)
    return Run(_paged(model, q_RHD, [1] * rows, context, FP8, lab))


def _run_prefill(model: Model, tokens: int, lab: "Lab") -> Run:
    q_THD = lab.normal(tokens, model.num_heads, model.head_dim)
    q_1HTD = q_THD.transpose(0, 1)[None].contiguous()
    k_1GTD, v_1GTD = (lab.normal(1, model.num_kv_heads, tokens, model.head_dim) for _ in "kv")
    attend = F.scaled_dot_product_attention
    return Run(
        _paged(model, q_THD, [tokens], tokens, lab.dtype, lab),
        lambda: attend(q_1HTD, k_1GTD, v_1GTD, is_causal=True, enable_gqa=True),
    )


def _paged(
    model: Model,
    q_THD: torch.Tensor,
    query_lens: list[int],
    context: int,
    cache_dtype: torch.dtype,
    lab: "Lab",
) -> Callable[[], torch.Tensor]:
    """The kernel, for rows of equal contexts whose blocks lie anywhere."""
    num_rows, num_blocks = len(query_lens), _num_blocks(context)
    tables_RB = lab.permutation(num_rows * num_blocks).view(num_rows, num_blocks).int()
    rows = Rows.of(query_lens, [context] * num_rows, tables_RB)
    shape = (tables_RB.numel() * BLOCK_SIZE, model.num_kv_heads, model.head_dim)
    k_cache, v_cache = (lab.normal(*shape).to(cache_dtype) for _ in "kv")
    return partial(
        lab.ops.paged_attention, q_THD, k_cache, v_cache, rows,
        block_size=BLOCK_SIZE, scale=model.head_dim**-0.5,
    )  # fmt: skip
