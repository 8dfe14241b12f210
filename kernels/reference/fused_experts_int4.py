"""Each token through its own experts, with weights of 4 bits, two in a byte. Knows no router and no layers.

Legend: T tokens, D hidden, E experts, I an expert's width, J = 2 I, G groups, K experts of one token;
C and H bytes that hold D and I weights.
"""

import torch

from penstock.kernels.reference.linear_int4 import linear_int4
from penstock.kernels.reference.through_experts import of_experts, through_experts


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
    """[T, D] of `x_TD`'s dtype; see `through_experts`, and `linear_int4` for the products."""
    return through_experts(
        x_TD, weights_TK, experts_TK,
        of_experts(linear_int4, gate_up_EJC, gate_up_scales_EJG, batch_invariant=batch_invariant),
        of_experts(linear_int4, down_EDH, down_scales_EDG, batch_invariant=batch_invariant),
    )  # fmt: skip
