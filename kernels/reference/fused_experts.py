"""Each token through its own experts' MLPs, weighed and added up. Knows no router and no layers.

Legend: T tokens, D hidden, E experts, I an expert's width, J = 2 I, K experts of one token.
"""

import torch

from penstock.kernels.reference.linear import linear
from penstock.kernels.reference.silu_mul import silu_mul


def fused_experts(
    x_TD: torch.Tensor,
    gate_up_EJD: torch.Tensor,
    down_EDI: torch.Tensor,
    weights_TK: torch.Tensor,
    experts_TK: torch.Tensor,
    *,
    batch_invariant: bool = False,
) -> torch.Tensor:
    """[T, D] of `x_TD`'s dtype. One product for each expert that is wanted, of all its tokens together.

    Sums in float32, and in the order of the experts. With `batch_invariant` a token's products, too, do not depend
    on its company.
    """
    assert weights_TK.shape == experts_TK.shape, (weights_TK.shape, experts_TK.shape)
    assert gate_up_EJD.shape[1] == 2 * down_EDI.shape[2], (gate_up_EJD.shape, down_EDI.shape)
    out_TD = torch.zeros_like(x_TD, dtype=torch.float32)
    for expert in sorted(set(experts_TK.flatten().tolist())):
        rows_N, places_N = (experts_TK == expert).nonzero(as_tuple=True)
        inner_NI = silu_mul(
            linear(x_TD[rows_N], gate_up_EJD[expert], batch_invariant=batch_invariant)
        )
        own_ND = linear(inner_NI, down_EDI[expert], batch_invariant=batch_invariant).float()
        out_TD[rows_N] += own_ND * weights_TK[rows_N, places_N, None].float()
    return out_TD.to(x_TD.dtype)
