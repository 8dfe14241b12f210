"""Each token through its own experts' MLPs, weighed and added up. Knows no router and no layers.

Legend: T tokens, D hidden, E experts, I an expert's width, J = 2 I, K experts of one token.
"""

import torch

from penstock.kernels.reference.linear import linear
from penstock.kernels.reference.through_experts import through_experts


def fused_experts(
    x_TD: torch.Tensor,
    gate_up_EJD: torch.Tensor,
    down_EDI: torch.Tensor,
    weights_TK: torch.Tensor,
    experts_TK: torch.Tensor,
    *,
    batch_invariant: bool = False,
) -> torch.Tensor:
    """[T, D] of `x_TD`'s dtype; see `through_experts`."""
    assert gate_up_EJD.shape[1] == 2 * down_EDI.shape[2], (gate_up_EJD.shape, down_EDI.shape)
    return through_experts(
        x_TD, weights_TK, experts_TK,
        lambda expert, x_ND: linear(x_ND, gate_up_EJD[expert], batch_invariant=batch_invariant),
        lambda expert, x_NI: linear(x_NI, down_EDI[expert], batch_invariant=batch_invariant),
    )  # fmt: skip
