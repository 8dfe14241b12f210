"""Each token through its own experts' MLPs, weighed and added up, whatever their products are. Knows no router.

Legend: T tokens, D hidden, I an expert's width, K experts of one token, N rows of one expert.
"""

from collections.abc import Callable

import torch

from penstock.kernels.reference.silu_mul import silu_mul

Product = Callable[[int, torch.Tensor], torch.Tensor]
"""Of an expert's matrix and rows of inputs."""


def through_experts(
    x_TD: torch.Tensor,
    weights_TK: torch.Tensor,
    experts_TK: torch.Tensor,
    gate_up: Product,
    down: Product,
) -> torch.Tensor:
    """[T, D] of `x_TD`'s dtype. One product for each expert that is wanted, of all its tokens together.

    Sums in float32, and in the order of the experts.
    """
    assert weights_TK.shape == experts_TK.shape, (weights_TK.shape, experts_TK.shape)
    out_TD = torch.zeros_like(x_TD, dtype=torch.float32)
    for expert in sorted(set(experts_TK.flatten().tolist())):
        rows_N, places_N = (experts_TK == expert).nonzero(as_tuple=True)
        own_ND = down(expert, silu_mul(gate_up(expert, x_TD[rows_N]))).float()
        out_TD[rows_N] += own_ND * weights_TK[rows_N, places_N, None].float()
    return out_TD.to(x_TD.dtype)


def of_experts(
    linear: Callable[..., torch.Tensor], *matrices: torch.Tensor, batch_invariant: bool
) -> Product:
    """`linear` with what an expert has of each of `matrices`: its weights, and their scales where there are some."""

    def product(expert: int, x_NI: torch.Tensor) -> torch.Tensor:
        own = (matrix[expert] for matrix in matrices)
        return linear(x_NI, *own, batch_invariant=batch_invariant)

    return product
