"""Causal attention over the paged cache, for any mix of rows. Knows block tables, not sequences.

Legend: T tokens of the step, R rows, B blocks of a row, S cache slots, Q tokens of one row, C cached
tokens a row looks at, H query heads, G KV heads, M = H / G query heads per KV head, D head dimension.

    a row's context   [ out of every window | seen by some | the Q tokens of this step ]
                                            ^ first        <-------- C = span -------->
                                              (0 without a window)
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

import torch
import torch.nn.functional as F

from penstock.kernels.reference.kv_codes import as_bits, from_cache
from penstock.kernels.rows import Rows

MIN_GRANULE = 32
MAX_GATHERED = 64
"""Rows whose keys and values are copied together: a prompt's tokens, one by one, would copy its square."""


class _Row(NamedTuple):
    number: int
    token: int
    query_len: int
    first: int
    span: int


def paged_attention(
    q_THD: torch.Tensor,
    k_cache_SGD: torch.Tensor,
    v_cache_SGD: torch.Tensor,
    rows: Rows,
    *,
    block_size: int,
    scale: float,
    window: int | None = None,
    k_scale: float = 1.0,
    v_scale: float = 1.0,
    batch_invariant: bool = False,
) -> torch.Tensor:
    """A row's queries are the last of its context, all of which is cached already; without any, zeros.

    A query's sums never depend on other rows. With `batch_invariant` they do not depend on how many queries its own
    row has in this step either: each goes as a row of its own.
    """
    assert q_THD.shape[0] == sum(rows.query_lens), (q_THD.shape, rows.query_lens)
    assert q_THD.shape[1] % k_cache_SGD.shape[1] == 0, (q_THD.shape, k_cache_SGD.shape)
    assert k_cache_SGD.dtype == v_cache_SGD.dtype, (k_cache_SGD.dtype, v_cache_SGD.dtype)
    assert window is None or window > 0, window
    out_THD, scale = torch.zeros_like(q_THD), scale * k_scale
    for group in _groups(_tokens(rows, window) if batch_invariant else _rows(rows, window)):
        slots_RC = _slots(rows.block_tables_RB, group, block_size)
        k_RGCD = _gather(k_cache_SGD, slots_RC, q_THD.dtype)
        v_RGCD = _gather(v_cache_SGD, slots_RC, q_THD.dtype)
        if group[0].query_len == 1:
            tokens = [row.token for row in group]
            mask_RC = _span_mask(group, slots_RC)
            out_THD[tokens] = _decode(q_THD[tokens], k_RGCD, v_RGCD, mask_RC, scale)
        else:
            tokens_Q = slice(group[0].token, group[0].token + group[0].query_len)
            mask_QC = _causal_mask(group[0], window, q_THD.device)
            out_THD[tokens_Q] = _chunk(q_THD[tokens_Q], k_RGCD[0], v_RGCD[0], mask_QC, scale)
    return out_THD if v_scale == 1 else out_THD.mul_(v_scale)


def _rows(rows: Rows, window: int | None) -> Iterable[_Row]:
    token = 0
    for number, query_len in enumerate(rows.query_lens):
        context_len = rows.context_lens[number]
        assert 1 <= query_len <= max(1, context_len), (query_len, context_len)
        first = 0 if window is None else max(0, context_len - query_len + 1 - window)
        if context_len:
            yield _Row(number, token, query_len, first, context_len - first)
        token += query_len


def _tokens(rows: Rows, window: int | None) -> Iterable[_Row]:
    """Each query as a row of one token, which sees no further than itself."""
    for row in _rows(rows, None):
        for place in range(row.query_len):
            seen = row.span - row.query_len + 1 + place
            first = 0 if window is None else max(0, seen - window)
            yield _Row(row.number, row.token + place, 1, first, seen - first)


def _groups(rows: Iterable[_Row]) -> list[list[_Row]]:
    """Longer rows stand alone; single tokens gather with those of equal padded span, some at a time."""
    alone: list[list[_Row]] = []
    alike: dict[int, list[_Row]] = defaultdict(list)
    for row in rows:
        if row.query_len > 1:
            alone.append([row])
        else:
            alike[_padded(row.span)].append(row)
    together = [
        rows[first : first + MAX_GATHERED]
        for rows in alike.values()
        for first in range(0, len(rows), MAX_GATHERED)
    ]
    return alone + together


def _padded(span: int) -> int:
    """A function of the row alone: sums are blocked by it, and must not depend on the company.

    At most a quarter is padding, and a doubling of the span has at most eight lengths.
    """
    granule = max(MIN_GRANULE, (1 << span.bit_length()) // 8)
    return -(-span // granule) * granule


def _slots(block_tables_RB: torch.Tensor, group: list[_Row], block_size: int) -> torch.Tensor:
    """Padding repeats a row's own last slot: a foreign block may hold NaN, which no mask stops in V."""
    device = block_tables_RB.device
    first_R1 = torch.tensor([[row.first] for row in group], device=device)
    last_R1 = torch.tensor([[row.span - 1] for row in group], device=device)
    num_offsets = group[0].span if group[0].query_len > 1 else _padded(group[0].span)
    offset_C = torch.arange(num_offsets, device=device)
    position_RC = first_R1 + torch.minimum(offset_C, last_R1)
    tables_RB = block_tables_RB[[row.number for row in group]].long()
    blocks_RC = tables_RB.gather(1, position_RC // block_size)
    return blocks_RC * block_size + position_RC % block_size


def _gather(cache_SGD: torch.Tensor, slots_RC: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    picked_SGD = as_bits(cache_SGD).index_select(0, slots_RC.flatten()).view(cache_SGD.dtype)
    picked_SGD = from_cache(picked_SGD, dtype)
    return picked_SGD.view(*slots_RC.shape, *cache_SGD.shape[1:]).transpose(1, 2)


def _span_mask(group: list[_Row], slots_RC: torch.Tensor) -> torch.Tensor:
    span_R1 = torch.tensor([[row.span] for row in group], device=slots_RC.device)
    return torch.arange(slots_RC.shape[1], device=slots_RC.device) < span_R1


def _causal_mask(row: _Row, window: int | None, device: torch.device) -> torch.Tensor:
    key_C = torch.arange(row.span, device=device)
    query_Q1 = torch.arange(row.span - row.query_len, row.span, device=device)[:, None]
    mask_QC = key_C <= query_Q1
    return mask_QC if window is None else mask_QC & (key_C > query_Q1 - window)


def _decode(
    q_RHD: torch.Tensor,
    k_RGCD: torch.Tensor,
    v_RGCD: torch.Tensor,
    mask_RC: torch.Tensor,
    scale: float,
) -> torch.Tensor:
    # The M heads that share a KV head pass as M queries of it, so K and V are never repeated.
    num_rows, num_kv_heads, _, head_dim = k_RGCD.shape
    q_RGMD = q_RHD.view(num_rows, num_kv_heads, -1, head_dim)
    out_RGMD = F.scaled_dot_product_attention(
        q_RGMD, k_RGCD, v_RGCD, attn_mask=mask_RC[:, None, None], scale=scale
    )
    return out_RGMD.flatten(1, 2)


def _chunk(
    q_QHD: torch.Tensor,
    k_GCD: torch.Tensor,
    v_GCD: torch.Tensor,
    mask_QC: torch.Tensor,
    scale: float,
) -> torch.Tensor:
    num_kv_heads, _, head_dim = k_GCD.shape
    q_GMQD = q_QHD.view(len(q_QHD), num_kv_heads, -1, head_dim).permute(1, 2, 0, 3)
    shape_GMCD = (*q_GMQD.shape[:2], *k_GCD.shape[1:])
    # Expanded, not repeated: the heads of a group read the same memory.
    k_GMCD, v_GMCD = k_GCD[:, None].expand(shape_GMCD), v_GCD[:, None].expand(shape_GMCD)
    out_GMQD = F.scaled_dot_product_attention(
        q_GMQD, k_GMCD, v_GMCD, attn_mask=mask_QC, scale=scale
    )
    return out_GMQD.permute(2, 0, 1, 3).flatten(1, 2)
