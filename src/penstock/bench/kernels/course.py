"""Runs a plan from the device's ceilings to the last case, telling as it goes. Knows no flag, no kernel, no column."""

import json
from collections.abc import Iterator

import torch

from penstock.bench.errors import BenchError
from penstock.bench.kernels.ceilings import Ceilings, measure_ceilings
from penstock.bench.kernels.clocks import Clock, CudaClock, HostClock
from penstock.bench.kernels.lab import Lab
from penstock.bench.kernels.measure import Measured, measure
from penstock.bench.kernels.models import MODELS
from penstock.bench.kernels.place import describe, find_device, model_dtype
from penstock.bench.kernels.report import as_json, heading, row, title
from penstock.bench.kernels.settings import Plan
from penstock.bench.kernels.table import OPS

_BUDGET_S = 0.5
"""For the samples of one case."""


def run(plan: Plan) -> bool:
    """Whether all that fits this device ran. Raises BenchError when there is nothing to measure on, or to write to."""
    device = find_device(interpreted=plan.interpreted)
    dtype = model_dtype(device)
    clock = HostClock() if plan.interpreted else CudaClock(device, plan.samples, _BUDGET_S)
    ceilings = None if plan.interpreted else measure_ceilings(clock, device, dtype)
    place = describe(device, dtype)
    print(heading(place, ceilings))
    found = _told(_measured(plan, clock, Lab(device, dtype)), ceilings)
    if plan.json:
        _write(plan, json.dumps(as_json(place, ceilings, found), indent=1))
    return not any(one.failed for one in found)


def _measured(plan: Plan, clock: Clock, lab: Lab) -> Iterator[Measured]:
    """Each as soon as it is known; a case's tensors are gone before the next one's are made."""
    for shape in plan.shapes:
        for op in plan.ops:
            for case in OPS[op].resolve()(MODELS[shape], plan.loads):
                torch.cuda.empty_cache()
                yield measure(op, MODELS[shape].name, case, clock, lab)


def _told(measured: Iterator[Measured], ceilings: Ceilings | None) -> list[Measured]:
    found: list[Measured] = []
    for one in measured:
        if not found or found[-1].model != one.model:
            print(title(one.model))
        print(row(one, ceilings), flush=True)
        found.append(one)
    return found


def _write(plan: Plan, text: str) -> None:
    assert plan.json
    try:
        plan.json.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise BenchError(f"--json {plan.json}: {error.strerror}") from error
