"""Repetition, frequency and presence penalties. Know a row's history, not how it is sampled.

They are computed from the history anew at each step: nothing to keep, nothing to lose when a
sequence is preempted. The cost is linear in the context of the rows that ask.

R rows, V vocabulary, N rows with a penalty, P pairs of a row and a token it knows.
"""

import numpy as np
import torch

from penstock.workers.sampler.params import ParamTable
from penstock.workers.sampler.rows import Ints, Rows


def penalise(logits_RV: torch.Tensor, rows: Rows, table: ParamTable, rows_N: Ints) -> None:
    """Changes the logits of `rows_N` in place: repetition over all tokens, the others over output."""
    _repetition(logits_RV, rows, table, rows_N)
    _frequency_and_presence(logits_RV, rows, table, rows_N)


def _repetition(logits_RV: torch.Tensor, rows: Rows, table: ParamTable, rows_N: Ints) -> None:
    penalty_R = table.repetition_S[rows.slots_R]
    rows_N = rows_N[penalty_R[rows_N] != 1]
    if not len(rows_N):
        return
    pairs = rows.history(rows_N, np.zeros_like(rows_N))
    index, penalty_P = pairs.index(logits_RV.device), pairs.each(penalty_R, logits_RV.device)
    logits_P = logits_RV[index]
    # A token that occurs twice is written twice with the same value.
    logits_RV[index] = torch.where(logits_P > 0, logits_P / penalty_P, logits_P * penalty_P)


def _frequency_and_presence(
    logits_RV: torch.Tensor, rows: Rows, table: ParamTable, rows_N: Ints
) -> None:
    frequency_R, presence_R = table.frequency_S[rows.slots_R], table.presence_S[rows.slots_R]
    rows_N = rows_N[(frequency_R[rows_N] != 0) | (presence_R[rows_N] != 0)]
    if not len(rows_N):
        return
    pairs = rows.history(rows_N, rows.num_prompt_R[rows_N])
    index, device = pairs.index(logits_RV.device), logits_RV.device
    # Equal addends to one place: their order, which threads decide, cannot matter.
    logits_RV.index_put_(index, -pairs.each(frequency_R, device), accumulate=True)
    logits_RV[index] = logits_RV[index] - pairs.each(presence_R, device)
