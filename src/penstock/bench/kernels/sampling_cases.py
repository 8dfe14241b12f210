"""The sampler's steps over whole rows of logits. Knows bytes and operations, no clock.

Legend: R rows, V vocabulary, L tokens of a history.
"""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import torch

from penstock.bench.kernels.case import Case, Run, Work
from penstock.bench.kernels.models import Loads, Model

if TYPE_CHECKING:
    from penstock.bench.kernels.lab import Lab

TOP_LOGPROBS = 20
_LOGIT, _ID, _TOKEN, _DRAW, _PENALTY = 4, 8, 4, 40, 56
"""Bytes: logits are float32, ids int64, a history's tokens int32, records as they are."""
_WEIGHING = 5
"""Operations that make a logit a weight and add it up: a comparison, a difference, a product, an exponential, a sum."""
_EVERY_OTHER = 0x55555555


def greedy(model: Model, loads: Loads) -> Iterator[Case]:
    for rows in loads.batches:
        work = choice_work(model, rows, operations=1)
        yield Case(f"batch {rows}", work, partial(_run_greedy, model, rows))


def draw_from_all(model: Model, loads: Loads) -> Iterator[Case]:
    for rows in loads.batches:
        work = choice_work(model, rows, operations=_WEIGHING)
        yield Case(f"batch {rows}", work, partial(_run_draw, model, rows, top_k=0, top_p=1.0))


def draw_from_some(model: Model, loads: Loads) -> Iterator[Case]:
    for rows in loads.batches:
        work = choice_work(model, rows, operations=_WEIGHING)
        yield Case(f"batch {rows}", work, partial(_run_draw, model, rows, top_k=50, top_p=0.9))


def choice_work(model: Model, rows: int, *, operations: int) -> Work:
    """`operations` are those of one logit."""
    logits = rows * model.vocabulary
    return Work(logits * _LOGIT + rows * (_DRAW + _ID), operations * logits)


def top_logprobs(model: Model, loads: Loads) -> Iterator[Case]:
    for rows in loads.batches:
        work = top_logprobs_work(model, rows)
        yield Case(f"batch {rows}", work, partial(_run_top_logprobs, model, rows))


def top_logprobs_work(model: Model, rows: int) -> Work:
    """The rows' numbers and tokens are read; ids, values and ranks are written."""
    logits, columns = rows * model.vocabulary, 1 + TOP_LOGPROBS
    told = rows * (columns * (_ID + _LOGIT) + _ID)
    return Work(logits * _LOGIT + 2 * rows * _ID + told, _WEIGHING * logits)


def penalise(model: Model, loads: Loads) -> Iterator[Case]:
    for rows in loads.batches:
        for length in loads.contexts:
            work = penalise_work(model, rows, length)
            what = f"batch {rows}, history {length}"
            yield Case(what, work, partial(_run_penalise, model, rows, length))


def penalise_work(model: Model, rows: int, length: int) -> Work:
    """Logits of the tokens that were said are read and written; they are all different, as far as that goes."""
    said = rows * min(length, model.vocabulary)
    return Work(rows * (length * _TOKEN + _PENALTY) + 2 * said * _LOGIT, 4 * said)


def constrain(model: Model, loads: Loads) -> Iterator[Case]:
    for rows in loads.batches:
        work = constrain_work(model, rows)
        yield Case(f"batch {rows}", work, partial(_run_constrain, model, rows))


def constrain_work(model: Model, rows: int) -> Work:
    """Bits are read, two ids are named, and every other logit is written."""
    words = -(-model.vocabulary // 32)
    return Work(rows * (words * 4 + model.vocabulary // 2 * _LOGIT + 2 * _ID), 0)


def _logits(model: Model, rows: int, lab: "Lab") -> torch.Tensor:
    return lab.normal(rows, model.vocabulary, dtype=torch.float32) * 3


def _run_greedy(model: Model, rows: int, lab: "Lab") -> Run:
    logits_RV = _logits(model, rows, lab)
    draws_RC = torch.zeros(rows, 5, dtype=torch.float64, device=lab.device)
    return Run(
        partial(lab.choose, logits_RV, draws_RC, greedy=True), lambda: logits_RV.argmax(dim=1)
    )


def _run_draw(model: Model, rows: int, lab: "Lab", *, top_k: int, top_p: float) -> Run:
    """The columns are those of `kernels.draws.DRAW`."""
    draws_RC = torch.zeros(rows, 5, dtype=torch.float64)
    draws_RC[:, 0], draws_RC[:, 1] = 1.0, top_p
    draws_RC[:, 3] = torch.linspace(0.1, 0.9, rows)
    draws_RC.view(torch.int64)[:, 4] = top_k
    return Run(
        partial(lab.choose, _logits(model, rows, lab), draws_RC.to(lab.device), greedy=False)
    )


def _run_top_logprobs(model: Model, rows: int, lab: "Lab") -> Run:
    each_R = torch.arange(rows, device=lab.device)
    logits_RV = _logits(model, rows, lab)
    return Run(partial(lab.top_logprobs, logits_RV, each_R, each_R, TOP_LOGPROBS))


def _run_penalise(model: Model, rows: int, length: int, lab: "Lab") -> Run:
    """The columns are those of `kernels.penalties.PENALTY`; without repetition, so that logits stay finite."""
    penalties_RC = torch.zeros(rows, 7, dtype=torch.int64)
    penalties_RC[:, 0] = penalties_RC[:, 1] = torch.arange(rows)
    penalties_RC[:, 2], penalties_RC[:, 3] = length // 2, length
    penalties_RC.view(torch.float64)[:, 4:] = torch.tensor([1.0, 0.1, 0.1], dtype=torch.float64)
    tokens_L = (torch.arange(length, device=lab.device) % model.vocabulary).int()
    tokens_RL = tokens_L.expand(rows, length).contiguous()
    logits_RV = _logits(model, rows, lab)
    return Run(partial(lab.penalise, logits_RV, tokens_RL, penalties_RC.to(lab.device), length))


def _run_constrain(model: Model, rows: int, lab: "Lab") -> Run:
    shape, each_R = (rows, -(-model.vocabulary // 32)), torch.arange(rows, device=lab.device)
    words_RW = torch.full(shape, _EVERY_OTHER, dtype=torch.int32, device=lab.device)
    return Run(partial(lab.constrain, _logits(model, rows, lab), words_RW, each_R, each_R))
