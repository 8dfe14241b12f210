"""Each token through its own experts' MLPs, weighed and added up; see `reference.fused_experts`. Knows no router.

    choices -> order by expert -> gate_up, silu, product -> down -> sum of each token's answers

Nothing here waits for the device, and nothing is added up by atomics.
Legend: T tokens, D hidden, E experts, I an expert's width, J = 2 I, K experts of one token, N = T K assignments.
"""

import torch
import triton
import triton.language as tl

from penstock.kernels.triton.device import device_of
from penstock.kernels.triton.expert_blocks import product_blocks
from penstock.kernels.triton.expert_order import order_by_expert
from penstock.kernels.triton.expert_products import down, gate_up_silu

_BLOCK = 1024


def fused_experts(
    x_TD: torch.Tensor,
    gate_up_EJD: torch.Tensor,
    down_EDI: torch.Tensor,
    weights_TK: torch.Tensor,
    experts_TK: torch.Tensor,
    *,
    batch_invariant: bool = False,
) -> torch.Tensor:
    """A token's answers are added up in the order of its choices."""
    _check(x_TD, gate_up_EJD, down_EDI, weights_TK, experts_TK)
    num_experts, num_chosen = len(gate_up_EJD), experts_TK.shape[1]
    blocks = product_blocks(
        x_TD.element_size(), experts_TK.numel(), num_experts, device_of(x_TD),
        batch_invariant=batch_invariant,
    )  # fmt: skip
    order = order_by_expert(experts_TK, num_experts, blocks.rows)
    inner_NI = gate_up_silu(x_TD, gate_up_EJD, order, blocks, num_chosen)
    return _sum_of_chosen(down(inner_NI, down_EDI, order, blocks), weights_TK)


def _check(
    x_TD: torch.Tensor, gate_up_EJD: torch.Tensor, down_EDI: torch.Tensor,
    weights_TK: torch.Tensor, experts_TK: torch.Tensor,
) -> None:  # fmt: skip
    num_experts, hidden, width = down_EDI.shape
    assert gate_up_EJD.shape == (num_experts, 2 * width, hidden), (
        gate_up_EJD.shape,
        down_EDI.shape,
    )
    assert x_TD.shape == (len(experts_TK), hidden), (x_TD.shape, experts_TK.shape)
    assert weights_TK.shape == experts_TK.shape, (weights_TK.shape, experts_TK.shape)
    assert x_TD.dtype == gate_up_EJD.dtype == down_EDI.dtype, (x_TD.dtype, down_EDI.dtype)
    assert x_TD.stride(1) == 1, x_TD.stride()
    assert gate_up_EJD.is_contiguous()
    assert down_EDI.is_contiguous()
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
