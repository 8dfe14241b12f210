"""Each token through its own experts' MLPs, weighed and added up, whatever the weights are. Knows no router.

    choices -> order by expert -> gate_up, silu, product -> down -> sum of each token's answers

Nothing here waits for the device, and nothing is added up by atomics.
Legend: T tokens, D hidden, E experts, F an expert's width, K experts of one token, N = T K assignments.
"""

import torch
import triton
import triton.language as tl

from penstock.kernels.triton.device import device_of
from penstock.kernels.triton.expert_blocks import product_blocks
from penstock.kernels.triton.expert_order import order_by_expert
from penstock.kernels.triton.expert_products import down, gate_up_silu
from penstock.kernels.triton.expert_weights import ExpertWeights

_BLOCK = 1024


def through_experts(
    x_TD: torch.Tensor,
    gate_up: ExpertWeights,
    outward: ExpertWeights,
    weights_TK: torch.Tensor,
    experts_TK: torch.Tensor,
    *,
    batch_invariant: bool,
) -> torch.Tensor:
    """A token's answers are added up in the order of its choices."""
    _check(x_TD, gate_up, outward, weights_TK, experts_TK)
    num_assignments, num_experts = experts_TK.numel(), gate_up.num_experts
    first, second = (
        product_blocks(
            weights.step, num_assignments, num_experts, device_of(x_TD),
            batch_invariant=batch_invariant,
        )
        for weights in (gate_up, outward)
    )  # fmt: skip
    assert first.rows == second.rows, (first, second)
    order = order_by_expert(experts_TK, num_experts, first.rows)
    inner_NF = x_TD.new_empty((num_assignments, outward.num_inputs))
    gate_up_silu(gate_up.rounded(x_TD), gate_up, order, first, inner_NF)
    own_ND = x_TD.new_empty((num_assignments, outward.num_outputs))
    down(outward.rounded(inner_NF), outward, order, second, own_ND)
    return _sum_of_chosen(own_ND, weights_TK)


def _check(
    x_TD: torch.Tensor, gate_up: ExpertWeights, outward: ExpertWeights, weights_TK: torch.Tensor,
    experts_TK: torch.Tensor,
) -> None:  # fmt: skip
    hidden, width = outward.num_outputs, outward.num_inputs
    sizes = gate_up.num_experts, gate_up.num_outputs, gate_up.num_inputs
    assert sizes == (outward.num_experts, 2 * width, hidden), (sizes, hidden, width)
    assert x_TD.shape == (len(experts_TK), hidden), (x_TD.shape, experts_TK.shape)
    assert weights_TK.shape == experts_TK.shape, (weights_TK.shape, experts_TK.shape)
    assert x_TD.stride(1) == 1, x_TD.stride()
    assert weights_TK.is_contiguous()


def _sum_of_chosen(own_ND: torch.Tensor, weights_TK: torch.Tensor) -> torch.Tensor:
    num_tokens, num_chosen = weights_TK.shape
    size = own_ND.shape[1]
    out_TD = own_ND.new_empty((num_tokens, size))
    block = min(_BLOCK, triton.next_power_of_2(size))
    _sum_kernel[(num_tokens, triton.cdiv(size, block))](
        own_ND, weights_TK, out_TD, size, CHOSEN=num_chosen, BLOCK=block, num_warps=4
    )
    return out_TD


@triton.jit
def _sum_kernel(own_ptr, weights_ptr, out_ptr, size, CHOSEN: tl.constexpr, BLOCK: tl.constexpr):
    token = tl.program_id(0).to(tl.int64)
    columns = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    mask = columns < size
    total = tl.zeros([BLOCK], tl.float32)
    for place in tl.static_range(CHOSEN):
        assignment = token * CHOSEN + place
        own = tl.load(own_ptr + assignment * size + columns, mask=mask, other=0.0)
        total += own.to(tl.float32) * tl.load(weights_ptr + assignment).to(tl.float32)
    tl.store(out_ptr + token * size + columns, total.to(out_ptr.dtype.element_ty), mask=mask)
