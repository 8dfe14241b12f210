"""Repetition, frequency and presence penalties in torch. Know a row's history, not how it is sampled.

They are computed from the history anew at each step: nothing to keep, nothing to lose when a
sequence is preempted. The cost is linear in the context of the rows that ask.

R rows, V vocabulary, S slots, L places of a slot's history, N rows with a penalty, P pairs of one of them
and a token it knows.
"""

import numpy as np
import numpy.typing as npt
import torch

from penstock.kernels.penalties import Penalties
from penstock.kernels.upload import upload
from penstock.workers.sampler.rows import Ints

Index = tuple[torch.Tensor, torch.Tensor]


def penalise(
    logits_RV: torch.Tensor, tokens_SL: npt.NDArray[np.int32], penalties_N: Penalties
) -> None:
    """Changes logits in place: repetition over all tokens, the others over output."""
    _repetition(logits_RV, tokens_SL, penalties_N[penalties_N["repetition"] != 1])
    counted_N = (penalties_N["frequency"] != 0) | (penalties_N["presence"] != 0)
    _frequency_and_presence(logits_RV, tokens_SL, penalties_N[counted_N])


def _repetition(
    logits_RV: torch.Tensor, tokens_SL: npt.NDArray[np.int32], penalties_N: Penalties
) -> None:
    which_P, index = _history(logits_RV, tokens_SL, penalties_N, np.zeros(len(penalties_N), int))
    penalty_P = _each(logits_RV, penalties_N["repetition"][which_P])
    logits_P = logits_RV[index]
    # A token that occurs twice is written twice with the same value.
    logits_RV[index] = torch.where(logits_P > 0, logits_P / penalty_P, logits_P * penalty_P)


def _frequency_and_presence(
    logits_RV: torch.Tensor, tokens_SL: npt.NDArray[np.int32], penalties_N: Penalties
) -> None:
    which_P, index = _history(logits_RV, tokens_SL, penalties_N, penalties_N["num_prompt"])
    frequency_P = _each(logits_RV, penalties_N["frequency"][which_P])
    # Equal addends to one place: their order, which threads decide, cannot matter.
    logits_RV.index_put_(index, -frequency_P, accumulate=True)
    logits_RV[index] = logits_RV[index] - _each(logits_RV, penalties_N["presence"][which_P])


def _history(
    logits_RV: torch.Tensor,
    tokens_SL: npt.NDArray[np.int32],
    penalties_N: Penalties,
    starts_N: Ints,
) -> tuple[Ints, Index]:
    """Every token from a place in `starts_N` on: whose it is, and where it lies in the logits."""
    counts_N = penalties_N["num_tokens"] - starts_N
    first_N = np.cumsum(counts_N) - counts_N
    which_P = np.repeat(np.arange(len(penalties_N)), counts_N)
    places_P = np.arange(len(which_P)) + (starts_N - first_N)[which_P]
    ids_P = tokens_SL[penalties_N["slot"][which_P], places_P].astype(np.int64)
    rows_P = upload(penalties_N["row"][which_P], logits_RV.device)
    return which_P, (rows_P, upload(ids_P, logits_RV.device))


def _each(like: torch.Tensor, column_P: npt.NDArray[np.float64]) -> torch.Tensor:
    return upload(column_P.astype(np.float32), like.device)
