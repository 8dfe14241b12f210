"""Each token through its own experts, whose weights are as the model has them; see `reference.fused_experts`.

Knows no router. Legend: T tokens, D hidden, E experts, I an expert's width, J = 2 I, K experts of one token.
"""

import torch

from penstock.kernels.triton.expert_blocks import Step
from penstock.kernels.triton.expert_weights import ExpertWeights
from penstock.kernels.triton.linear import fold
from penstock.kernels.triton.through_experts import through_experts


def fused_experts(
    x_TD: torch.Tensor,
    gate_up_EJD: torch.Tensor,
    down_EDI: torch.Tensor,
    weights_TK: torch.Tensor,
    experts_TK: torch.Tensor,
    *,
    batch_invariant: bool = False,
) -> torch.Tensor:
    """A token's answers are added up in the order of its choices."""
    assert x_TD.dtype == gate_up_EJD.dtype == down_EDI.dtype, (x_TD.dtype, down_EDI.dtype)
    return through_experts(
        x_TD, _plain(gate_up_EJD), _plain(down_EDI), weights_TK, experts_TK,
        batch_invariant=batch_invariant,
    )  # fmt: skip


def _plain(weight_EOI: torch.Tensor) -> ExpertWeights:
    size = weight_EOI.element_size()
    return ExpertWeights(
        stored_EOW=weight_EOI, num_inputs=weight_EOI.shape[2], fold=fold, step=Step(size, size)
    )
