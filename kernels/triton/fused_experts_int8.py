"""Each token through its own experts, with weights of 8 bits in groups; see `reference.fused_experts_int8`.

Knows no router. Legend: T tokens, D hidden, E experts, I an expert's width, J = 2 I, G groups, K experts of one token.
"""

import torch

from penstock.kernels.triton.expert_weights import grouped
from penstock.kernels.triton.linear_int8 import fold
from penstock.kernels.triton.through_experts import through_experts


def fused_experts_int8(
    x_TD: torch.Tensor,
    gate_up_EJD: torch.Tensor,
    gate_up_scales_EJG: torch.Tensor,
    down_EDI: torch.Tensor,
    down_scales_EDG: torch.Tensor,
    weights_TK: torch.Tensor,
    experts_TK: torch.Tensor,
    *,
    batch_invariant: bool = False,
) -> torch.Tensor:
    """A token's answers are added up in the order of its choices."""
    assert gate_up_EJD.dtype == down_EDI.dtype == torch.int8, (gate_up_EJD.dtype, down_EDI.dtype)
    size = x_TD.element_size()
    return through_experts(
        x_TD, grouped(gate_up_EJD, gate_up_scales_EJG, size, fold, w_bytes=1),
        grouped(down_EDI, down_scales_EDG, size, fold, w_bytes=1), weights_TK, experts_TK,
        batch_invariant=batch_invariant,
    )  # fmt: skip
