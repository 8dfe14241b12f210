"""Mixtures of experts: the router's choice, and the experts, of each kind of weights. Knows bytes, no clock.

Legend: T tokens, D hidden, E experts, I an expert's width, J = 2 I, K experts of one token; O outputs, G groups.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import torch

from penstock.bench.kernels.case import ITEM, Case, Run, Work, by_tokens
from penstock.bench.kernels.models import Loads, Model
from penstock.kernels.reference.kv_codes import as_bits
from penstock.kernels.reference.quantize_rows_e4m3 import quantize_rows_e4m3
from penstock.kernels.reference.weight_codes import quantize_int4, quantize_int8
from penstock.kernels.weight_groups import group_size

if TYPE_CHECKING:
    from penstock.bench.kernels.lab import Lab

_CHOICE = 4 + 8
"""Bytes of a weight and of an expert's id."""
_SCALE_OF_GROUP, _SCALE_OF_OUTPUT = 2, 4
"""Bytes of one."""

Quantize = Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
WorkOf = Callable[[Model, int], Work]
RunOf = Callable[[Model, int, "Lab"], Run]


def route(model: Model, loads: Loads) -> Iterator[Case]:
    return _cases(model, loads, route_work, _run_route)


def fused_experts(model: Model, loads: Loads) -> Iterator[Case]:
    return _cases(model, loads, fused_experts_work, _run_fused_experts)


def int8(model: Model, loads: Loads) -> Iterator[Case]:
    return _cases(model, loads, partial(grouped_work, bits=8), _run_int8)


def int4(model: Model, loads: Loads) -> Iterator[Case]:
    return _cases(model, loads, partial(grouped_work, bits=4), _run_int4)


def e4m3(model: Model, loads: Loads) -> Iterator[Case]:
    return _cases(model, loads, e4m3_work, _run_e4m3)


def _cases(model: Model, loads: Loads, work: WorkOf, run: RunOf) -> Iterator[Case]:
    """None for a model without experts."""
    return by_tokens(model, loads.steps if model.num_experts else (), work, run)


# ---- what a case cannot do without


def route_work(model: Model, tokens: int) -> Work:
    """A difference, an exponential, a sum and a quotient for each expert, and a comparison for each choice."""
    choices = tokens * model.num_chosen
    return Work(
        tokens * model.num_experts * ITEM + choices * _CHOICE,
        tokens * model.num_experts * (4 + model.num_chosen),
    )


def fused_experts_work(model: Model, tokens: int) -> Work:
    return _work(model, tokens, _weights(model) * ITEM)


def grouped_work(model: Model, tokens: int, *, bits: int) -> Work:
    one = 2 * model.width * model.hidden, model.hidden * model.width
    groups = sum(
        numbers // _group(inputs)
        for numbers, inputs in zip(one, (model.hidden, model.width), strict=True)
    )
    return _work(model, tokens, sum(one) * bits // 8 + groups * _SCALE_OF_GROUP)


def e4m3_work(model: Model, tokens: int) -> Work:
    outputs = 2 * model.width + model.hidden
    return _work(model, tokens, _weights(model) + outputs * _SCALE_OF_OUTPUT)


def _work(model: Model, tokens: int, expert_bytes: int) -> Work:
    """The weights of the experts that are wanted, once; choices go round all of them in turn."""
    choices = tokens * model.num_chosen
    wanted = min(choices, model.num_experts)
    others = 2 * tokens * model.hidden * ITEM + choices * _CHOICE
    return Work(wanted * expert_bytes + others, 2 * choices * _weights(model))


def _weights(model: Model) -> int:
    """Of one expert."""
    return 3 * model.hidden * model.width


def _group(num_inputs: int) -> int:
    group = group_size(num_inputs)
    assert group, num_inputs
    return group


# ---- running it


def _run_route(model: Model, tokens: int, lab: "Lab") -> Run:
    logits_TE = lab.normal(tokens, model.num_experts)
    return Run(partial(lab.ops.route, logits_TE, model.num_chosen, normalize=True))


def _run_fused_experts(model: Model, tokens: int, lab: "Lab") -> Run:
    matrices = [_matrix(lab, *sizes, model.num_experts) for sizes in _sizes(model)]
    return _run(model, tokens, lab, lab.ops.fused_experts, matrices)


def _run_int8(model: Model, tokens: int, lab: "Lab") -> Run:
    stored = _rounded(model, lab, lambda x_OI: quantize_int8(x_OI, _group(x_OI.shape[1])))
    return _run(model, tokens, lab, lab.ops.fused_experts_int8, stored)


def _run_int4(model: Model, tokens: int, lab: "Lab") -> Run:
    stored = _rounded(model, lab, lambda x_OI: quantize_int4(x_OI, _group(x_OI.shape[1])))
    return _run(model, tokens, lab, lab.ops.fused_experts_int4, stored)


def _run_e4m3(model: Model, tokens: int, lab: "Lab") -> Run:
    stored = _rounded(model, lab, quantize_rows_e4m3)
    return _run(model, tokens, lab, lab.ops.fused_experts_e4m3, stored)


def _run(
    model: Model, tokens: int, lab: "Lab", op: Callable[..., torch.Tensor],
    stored: list[torch.Tensor],
) -> Run:  # fmt: skip
    choices = torch.arange(tokens * model.num_chosen, device=lab.device)
    experts_TK = (choices % model.num_experts).view(tokens, model.num_chosen)
    weights_TK = torch.full_like(experts_TK, 1 / model.num_chosen, dtype=torch.float32)
    x_TD = lab.normal(tokens, model.hidden)
    return Run(partial(op, x_TD, *stored, weights_TK, experts_TK))


def _sizes(model: Model) -> tuple[tuple[int, int], tuple[int, int]]:
    """Outputs and inputs of an expert's matrices."""
    return (2 * model.width, model.hidden), (model.hidden, model.width)


def _matrix(lab: "Lab", outputs: int, inputs: int, count: int) -> torch.Tensor:
    """Sums stay within float16."""
    return lab.normal(count, outputs, inputs).mul_(inputs**-0.5)


def _rounded(model: Model, lab: "Lab", quantize: Quantize) -> list[torch.Tensor]:
    """Codes and scales of both: one expert's, again and again, laid out as a model has them."""
    found = []
    for sizes in _sizes(model):
        codes, scales = quantize(_matrix(lab, *sizes, 1)[0])
        all_codes = as_bits(codes).repeat(model.num_experts, 1, 1).view(codes.dtype)
        all_scales = torch.cat([scales.t()] * model.num_experts, dim=-1).t()
        found += [all_codes, all_scales.view(model.num_experts, -1, *scales.shape[1:])]
    return found
