"""Each token through its own experts, with weights of 4 bits, two in a byte; see `reference.fused_experts_int4`.

Knows no router. Legend: T tokens, D hidden, E experts, I an expert's width, J = 2 I, G groups, K experts of one token;
C and H bytes that hold D and I weights.
"""

import torch

from penstock.kernels.triton.expert_weights import grouped
from penstock.kernels.triton.linear_int4 import fold
from penstock.kernels.triton.through_experts import through_experts


def fused_experts_int4(
    x_TD: torch.Tensor,
    gate_up_EJC: torch.Tensor,
    gate_up_scales_EJG: torch.Tensor,
    down_EDH: torch.Tensor,
    down_scales_EDG: torch.Tensor,
    weights_TK: torch.Tensor,
    experts_TK: torch.Tensor,
    *,
    batch_invariant: bool = False,
) -> torch.Tensor:
    """A token's answers are added up in the order of its choices."""
    assert gate_up_EJC.dtype == down_EDH.dtype == torch.uint8, (gate_up_EJC.dtype, down_EDH.dtype)
    size = x_TD.element_size()
    return through_experts(
        x_TD, grouped(gate_up_EJC, gate_up_scales_EJG, size, fold, w_bytes=0.5),
        grouped(down_EDH, down_scales_EDG, size, fold, w_bytes=0.5), weights_TK, experts_TK,
        batch_invariant=batch_invariant,
    )  # fmt: skip
