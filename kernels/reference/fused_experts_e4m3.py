"""Each token through its own experts, with weights and activations in e4m3. Knows no router and no layers.

Legend: T tokens, D hidden, E experts, I an expert's width, J = 2 I, K experts of one token.
"""

import torch

from penstock.kernels.reference.linear_e4m3 import linear_e4m3
from penstock.kernels.reference.through_experts import through_experts


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

    def gate_up(expert: int, x_ND: torch.Tensor) -> torch.Tensor:
        codes, scales = gate_up_EJD[expert], gate_up_scales_EJ[expert]
        return linear_e4m3(x_ND, codes, scales, batch_invariant=batch_invariant)

    def down(expert: int, x_NI: torch.Tensor) -> torch.Tensor:
        codes, scales = down_EDI[expert], down_scales_ED[expert]
        return linear_e4m3(x_NI, codes, scales, batch_invariant=batch_invariant)

    return through_experts(x_TD, weights_TK, experts_TK, gate_up, down)
