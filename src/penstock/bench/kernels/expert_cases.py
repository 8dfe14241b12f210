"""Mixtures of experts: the router's choice, and the experts. Knows bytes and operations, no clock.

Legend: T tokens, D hidden, E experts, I an expert's width, J = 2 I, K experts of one token.
"""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import torch

from penstock.bench.kernels.case import ITEM, Case, Run, Work, by_tokens
from penstock.bench.kernels.models import Loads, Model

if TYPE_CHECKING:
    from penstock.bench.kernels.lab import Lab

_CHOICE = 4 + 8
"""Bytes of a weight and of an expert's id."""


def route(model: Model, loads: Loads) -> Iterator[Case]:
    if model.num_experts:
        yield from by_tokens(model, loads.steps, route_work, _run_route)


def route_work(model: Model, tokens: int) -> Work:
    """A difference, an exponential, a sum and a quotient for each expert, and a comparison for each choice."""
    choices = tokens * model.num_chosen
    return Work(
        tokens * model.num_experts * ITEM + choices * _CHOICE,
        tokens * model.num_experts * (4 + model.num_chosen),
    )


def fused_experts(model: Model, loads: Loads) -> Iterator[Case]:
    if model.num_experts:
        yield from by_tokens(model, loads.steps, fused_experts_work, _run_fused_experts)


def fused_experts_work(model: Model, tokens: int) -> Work:
    """The weights of the experts that are wanted, once; choices go round all of them in turn."""
    choices = tokens * model.num_chosen
    one = 3 * model.hidden * model.width
    wanted = min(choices, model.num_experts)
    return Work(
        (wanted * one + 2 * tokens * model.hidden) * ITEM + choices * _CHOICE, 2 * choices * one
    )


def _run_route(model: Model, tokens: int, lab: "Lab") -> Run:
    logits_TE = lab.normal(tokens, model.num_experts)
    return Run(partial(lab.ops.route, logits_TE, model.num_chosen, normalize=True))


def _run_fused_experts(model: Model, tokens: int, lab: "Lab") -> Run:
    gate_up_EJD = lab.normal(model.num_experts, 2 * model.width, model.hidden)
    down_EDI = lab.normal(model.num_experts, model.hidden, model.width)
    choices = torch.arange(tokens * model.num_chosen, device=lab.device)
    experts_TK = (choices % model.num_experts).view(tokens, model.num_chosen)
    weights_TK = torch.full_like(experts_TK, 1 / model.num_chosen, dtype=torch.float32)
    for weight in (gate_up_EJD, down_EDI):
        weight.mul_(weight.shape[2] ** -0.5)  # sums stay within float16
    x_TD = lab.normal(tokens, model.hidden)
    return Run(partial(lab.ops.fused_experts, x_TD, gate_up_EJD, down_EDI, weights_TK, experts_TK))
