"""Which experts each token goes to, and how much they count. See `source/route.cpp`; the oracle is `reference.route`.

T tokens, C columns of the logits, K experts of one token.
"""

from dataclasses import dataclass

import torch

from penstock.kernels.cpu.memory import zeros
from penstock.kernels.cpu.program import Program


@dataclass(frozen=True, slots=True)
class Routes:
    """Of a step's tokens; the largest step has as many as there are rows."""

    weights_TK: torch.Tensor
    """Float32, the likeliest expert's first."""
    experts_TK: torch.Tensor
    """Int32."""
    shared_T: torch.Tensor
    """Float32: how much the expert for all counts; unused where there is none."""

    @property
    def num_chosen(self) -> int:
        return self.experts_TK.shape[1]


def make_routes(num_tokens: int, num_chosen: int) -> Routes:
    return Routes(
        weights_TK=zeros((num_tokens, num_chosen), torch.float32),
        experts_TK=zeros((num_tokens, num_chosen), torch.int32),
        shared_T=zeros((num_tokens,), torch.float32),
    )


def add_route(
    program: Program, logits_TC: torch.Tensor, num_experts: int, routes: Routes, *, normalize: bool
) -> None:
    """The columns are the experts' logits and, where there is one more, that of the gate before the expert for all."""
    columns = logits_TC.shape[1]
    assert logits_TC.dtype == torch.float32, logits_TC.dtype
    assert len(logits_TC) == len(routes.experts_TK), (logits_TC.shape, routes.experts_TK.shape)
    assert columns - num_experts in (0, 1), (columns, num_experts)
    assert 0 < routes.num_chosen <= num_experts, (routes.num_chosen, num_experts)
    shared_T = routes.shared_T if columns > num_experts else None
    program.add(
        "route", logits_TC, columns, num_experts, routes.num_chosen, int(normalize),
        routes.weights_TK, routes.experts_TK, shared_T,
    )  # fmt: skip
