"""Products with weights of fewer bits: the MLP's first matrix, which is the largest. Knows bytes, no clock.

Beside each stands torch's product with the same matrix in the model's own dtype.
Legend: T tokens, I inputs, O outputs, G groups of inputs.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from penstock.bench.kernels.case import ITEM, Case, Run, Work, by_tokens
from penstock.bench.kernels.models import Loads, Model
from penstock.kernels.reference.quantize_rows_e4m3 import quantize_rows_e4m3
from penstock.kernels.reference.weight_codes import quantize_int4, quantize_int8
from penstock.kernels.weight_groups import group_size

if TYPE_CHECKING:
    from penstock.bench.kernels.lab import Lab

_SCALE_OF_GROUP, _SCALE_OF_OUTPUT = 2, 4
"""Bytes of one."""

Linear = Callable[..., torch.Tensor]
Quantize = Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]


def int8(model: Model, loads: Loads) -> Iterator[Case]:
    return by_tokens(model, loads.steps, partial(grouped_work, bits=8), _run_int8)


def int4(model: Model, loads: Loads) -> Iterator[Case]:
    return by_tokens(model, loads.steps, partial(grouped_work, bits=4), _run_int4)


def e4m3(model: Model, loads: Loads) -> Iterator[Case]:
    return by_tokens(model, loads.steps, e4m3_work, _run_e4m3)


def grouped_work(model: Model, tokens: int, *, bits: int) -> Work:
    inputs, outputs = model.hidden, 2 * model.width
    scales = inputs // _group(model) * outputs * _SCALE_OF_GROUP
    return _work(tokens, inputs, outputs, inputs * outputs * bits // 8 + scales)


def e4m3_work(model: Model, tokens: int) -> Work:
    inputs, outputs = model.hidden, 2 * model.width
    return _work(tokens, inputs, outputs, inputs * outputs + outputs * _SCALE_OF_OUTPUT)


def _work(tokens: int, inputs: int, outputs: int, weight_bytes: int) -> Work:
    rows = tokens * (inputs + outputs) * ITEM
    return Work(weight_bytes + rows, 2 * tokens * inputs * outputs)


def _group(model: Model) -> int:
    group = group_size(model.hidden)
    assert group, model
    return group


def _run_int8(model: Model, tokens: int, lab: "Lab") -> Run:
    return _run(
        model, tokens, lab, lab.ops.linear_int8, partial(quantize_int8, group=_group(model))
    )


def _run_int4(model: Model, tokens: int, lab: "Lab") -> Run:
    return _run(
        model, tokens, lab, lab.ops.linear_int4, partial(quantize_int4, group=_group(model))
    )


def _run_e4m3(model: Model, tokens: int, lab: "Lab") -> Run:
    return _run(model, tokens, lab, lab.ops.linear_e4m3, quantize_rows_e4m3)


def _run(model: Model, tokens: int, lab: "Lab", linear: Linear, quantize: Quantize) -> Run:
    x_TI, weight_OI = lab.normal(tokens, model.hidden), lab.normal(2 * model.width, model.hidden)
    weight_OI.mul_(model.hidden**-0.5)  # sums stay within float16
    codes, scales = quantize(weight_OI)
    return Run(partial(linear, x_TI, codes, scales), lambda: F.linear(x_TI, weight_OI))
