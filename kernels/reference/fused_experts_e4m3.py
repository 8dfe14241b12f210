"""Each token through its own experts, with weights and activations in e4m3. Knows no router and no layers.

Legend: T tokens, D hidden, E experts, I an expert's width, J = 2 I, K experts of one token.
"""

import torch

from penstock.kernels.reference.linear_e4m3 import linear_e4m3
from penstock.kernels.reference.through_experts import of_experts, through_experts


def fused_experts_e4m3(
    x_TD: torch.Tensor,
    gate_up_EJD: torch.Tensor,
    gate_up_scales_EJ: torch.Tensor,
    down_EDI: torch.Tensor,
    down_scales_ED: torch.Tensor,
    weights_TK: torch.Tensor,
    experts_TK: torch.Tensor,
    *,
    batch_invariant: bool = False,
) -> torch.Tensor:
    """[T, D] of `x_TD`'s dtype; see `through_experts`, and `linear_e4m3` for the products."""
    return through_experts(
        x_TD, weights_TK, experts_TK,
        of_experts(linear_e4m3, gate_up_EJD, gate_up_scales_EJ, batch_invariant=batch_invariant),
        of_experts(linear_e4m3, down_EDI, down_scales_ED, batch_invariant=batch_invariant),
    )  # fmt: skip
