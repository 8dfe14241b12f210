"""Softmax over the experts and the likeliest of them, in one pass; see `reference.route`. Knows no experts.

Legend: T tokens, E experts, K experts of one token.
"""

import torch
import triton
import triton.language as tl

_PROGRAM_SIZE = 1024
_LOWEST: tl.constexpr = tl.constexpr(-1e30)


def route(
    logits_TE: torch.Tensor, num_chosen: int, *, normalize: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Of equal experts the first is taken. NaN and -inf count as the lowest number there is: so
    every id is an expert's, and none comes twice.
    """
    num_tokens, num_experts = logits_TE.shape
    assert 0 < num_chosen <= num_experts, (num_chosen, logits_TE.shape)
    assert logits_TE.stride(1) == 1, logits_TE.stride()
    shape, device = (num_tokens, num_chosen), logits_TE.device
    weights_TK = torch.empty(shape, dtype=torch.float32, device=device)
    experts_TK = torch.empty(shape, dtype=torch.int64, device=device)
    block = triton.next_power_of_2(num_experts)
    rows = max(1, _PROGRAM_SIZE // block)
    _route_kernel[(triton.cdiv(num_tokens, rows),)](
        logits_TE, weights_TK, experts_TK, logits_TE.stride(0), num_tokens, num_experts,
        ROWS=rows, BLOCK=block, CHOSEN=num_chosen, CHOSEN_BLOCK=triton.next_power_of_2(num_chosen),
        NORMALIZE=normalize, num_warps=4,
    )  # fmt: skip
    return weights_TK, experts_TK


@triton.jit(do_not_specialize=["num_tokens"])
def _route_kernel(
    logits_ptr, weights_ptr, experts_ptr, stride, num_tokens, num_experts,
    ROWS: tl.constexpr, BLOCK: tl.constexpr, CHOSEN: tl.constexpr, CHOSEN_BLOCK: tl.constexpr,
    NORMALIZE: tl.constexpr,
):  # fmt: skip
    tokens = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    ids = tl.arange(0, BLOCK)[None, :]
    columns = tl.arange(0, CHOSEN_BLOCK)[None, :]
    is_token = (tokens < num_tokens)[:, None]
    mask = is_token & (ids < num_experts)
    logits = tl.load(logits_ptr + tokens[:, None] * stride + ids, mask=mask, other=float("-inf"))
    logits = logits.to(tl.float32)
    logits = tl.where(logits > _LOWEST, logits, _LOWEST)
    best = tl.max(logits, axis=1)[:, None]
    shares = tl.where(ids < num_experts, tl.exp(logits - best), 0.0)
    total = tl.sum(shares, axis=1)
    free = ids < num_experts
    weights = tl.zeros([ROWS, CHOSEN_BLOCK], tl.float32)
    experts = tl.zeros([ROWS, CHOSEN_BLOCK], tl.int32)
    for place in tl.static_range(CHOSEN):
        best = tl.max(tl.where(free, logits, 2 * _LOWEST), axis=1)[:, None]
        expert = tl.min(tl.where(free & (logits == best), ids, BLOCK), axis=1)[:, None]
        taken = ids == expert
        weight = tl.sum(tl.where(taken, shares, 0.0), axis=1)[:, None]
        weights = tl.where(columns == place, weight, weights)
        experts = tl.where(columns == place, expert, experts)
        free = free & (taken == 0)
    weights = weights / total[:, None]
    if NORMALIZE:
        weights = weights / tl.sum(weights, axis=1)[:, None]
    places = tokens[:, None] * CHOSEN + columns
    mask = is_token & (columns < CHOSEN)
    tl.store(weights_ptr + places, weights, mask=mask)
    tl.store(experts_ptr + places, experts.to(tl.int64), mask=mask)
