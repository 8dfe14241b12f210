"""Each token through its own experts, with weights of 8 bits in groups. Knows no router and no layers.

Legend: T tokens, D hidden, E experts, I an expert's width, J = 2 I, G groups, K experts of one token.
"""

import torch

from penstock.kernels.reference.linear_int8 import linear_int8
from penstock.kernels.reference.through_experts import through_experts


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
    """[T, D] of `x_TD`'s dtype; see `through_experts`, and `linear_int8` for the products."""

    def gate_up(expert: int, x_ND: torch.Tensor) -> torch.Tensor:
        codes, scales = gate_up_EJD[expert], gate_up_scales_EJG[expert]
        return linear_int8(x_ND, codes, scales, batch_invariant=batch_invariant)

    def down(expert: int, x_NI: torch.Tensor) -> torch.Tensor:
        codes, scales = down_EDI[expert], down_scales_EDG[expert]
        return linear_int8(x_NI, codes, scales, batch_invariant=batch_invariant)

    return through_experts(x_TD, weights_TK, experts_TK, gate_up, down)
