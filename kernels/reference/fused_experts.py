"""Each token through its own experts' MLPs, weighed and added up. Knows no router and no layers.

Legend: T tokens, D hidden, E experts, I an expert's width, J = 2 I, K experts of one token.
"""

import torch

from penstock.kernels.reference.linear import linear
from penstock.kernels.reference.through_experts import of_experts, through_experts


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
        of_experts(linear, gate_up_EJD, batch_invariant=batch_invariant),
        of_experts(linear, down_EDI, batch_invariant=batch_invariant),
    )  # fmt: skip
