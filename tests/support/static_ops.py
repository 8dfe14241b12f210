"""The oracle's ops without a look at any tensor's numbers, for rows of one token: what a graph can hold. Slow."""

from types import SimpleNamespace
from typing import Any

import torch

from penstock.kernels import reference
from penstock.kernels.reference.rope import rope
from penstock.kernels.rows import Rows


def rope_store_kv(
    qk_TND: torch.Tensor, v_TGD: torch.Tensor, cos_TE: torch.Tensor, sin_TE: torch.Tensor,
    k_cache_SGD: torch.Tensor, v_cache_SGD: torch.Tensor, slots_T: torch.Tensor,
    *, k_scale: float = 1.0, v_scale: float = 1.0,
) -> torch.Tensor:  # fmt: skip
    """Tokens without a slot are written behind the cache's end, and cut off."""
    num_heads = qk_TND.shape[1] - v_TGD.shape[1]
    turned_TND = rope(qk_TND, cos_TE, sin_TE)
    for cache_SGD, x_TGD in ((k_cache_SGD, turned_TND[:, num_heads:]), (v_cache_SGD, v_TGD)):
        longer_SGD = torch.cat((cache_SGD, cache_SGD[:1]))
        places_T = torch.where(slots_T < 0, len(cache_SGD), slots_T)
        cache_SGD.copy_(longer_SGD.index_copy(0, places_T, x_TGD)[:-1])
    return turned_TND[:, :num_heads]


def paged_attention(
    q_THD: torch.Tensor, k_cache_SGD: torch.Tensor, v_cache_SGD: torch.Tensor, rows: Rows,
    *, block_size: int, scale: float, window: int | None = None, **options: Any,
) -> torch.Tensor:  # fmt: skip
    """All blocks of all rows, masked by the contexts on the device."""
    if rows.max_query_len > 1:
        return reference.paged_attention(
            q_THD, k_cache_SGD, v_cache_SGD, rows,
            block_size=block_size, scale=scale, window=window, **options,
        )  # fmt: skip
    inside = torch.arange(block_size)
    slots_RC = (rows.block_tables_RB.long()[:, :, None] * block_size + inside).flatten(1)
    group = q_THD.shape[1] // k_cache_SGD.shape[1]
    k_RCHD = k_cache_SGD[slots_RC].repeat_interleave(group, dim=2)
    v_RCHD = v_cache_SGD[slots_RC].repeat_interleave(group, dim=2)
    scores_RHC = torch.einsum("rhd,rchd->rhc", q_THD, k_RCHD) * scale
    places_C, context_R1 = torch.arange(slots_RC.shape[1]), rows.context_R[:, None]
    seen_RC = places_C < context_R1
    if window is not None:
        seen_RC = seen_RC & (places_C >= context_R1 - window)
    weights_RHC = scores_RHC.masked_fill(~seen_RC[:, None], -torch.inf).softmax(-1).nan_to_num(0.0)
    return torch.einsum("rhc,rchd->rhd", weights_RHC, v_RCHD)


OWN = {
    "rope_store_kv": rope_store_kv,
    "paged_attention": paged_attention,
    "READS_ON_HOST": frozenset({"fused_experts"}),
}
STATIC_OPS = SimpleNamespace(**(vars(reference) | OWN))
