"""Causal attention over the paged cache. See `source/paged_attention.cpp`.

The oracle is `reference.paged_attention`. A query's bits depend on nothing but its own sequence: not on the
length of its chunk, the other rows or the number of threads.

Legend: T tokens, H query heads, D head dimension, P partials, W width of a partial.
"""

import torch

from penstock.kernels.cpu.kv_layout import KVLayout
from penstock.kernels.cpu.library import DTYPE_NAMES
from penstock.kernels.cpu.limits import PAGE
from penstock.kernels.cpu.program import Program

_PARTIALS = 4096
"""Enough to split 65,536 tokens of one row under 32 heads among the threads."""


def attention_scratch(layout: KVLayout, partials: int = _PARTIALS) -> torch.Tensor:
    """float32 [P, W], where threads that share one long row leave their parts; all layers may have the same."""
    return torch.empty(partials, PAGE + layout.width)


def add_paged_attention(
    program: Program,
    q_THD: torch.Tensor,
    cache: torch.Tensor,
    out_THD: torch.Tensor,
    layout: KVLayout,
    scratch_PW: torch.Tensor,
    *,
    scale: float,
    window: int | None = None,
) -> None:
    """The step's own keys and values must be in the cache already. `out_THD` may also be [T, H * D]."""
    layout.check(cache)
    assert q_THD.dtype == out_THD.dtype == layout.dtype, (q_THD.dtype, out_THD.dtype, layout)
    assert q_THD.shape[2] == layout.head_dim, (q_THD.shape, layout)
    assert q_THD.shape[1] % layout.num_kv_heads == 0, (q_THD.shape, layout)
    assert out_THD.shape in (q_THD.shape, q_THD.flatten(1).shape), (out_THD.shape, q_THD.shape)
    assert scratch_PW.dtype == torch.float32, scratch_PW.dtype
    assert scratch_PW.shape[1] == PAGE + layout.width, (scratch_PW.shape, layout)
    assert window is None or window > 0, window
    assert scale > 0, scale
    program.add(
        f"paged_attention_{DTYPE_NAMES[layout.dtype]}",
        q_THD, cache, out_THD, q_THD.shape[1], layout.num_kv_heads, layout.head_dim,
        layout.block_size, window or 0, float(scale), scratch_PW, len(scratch_PW),
    )  # fmt: skip
