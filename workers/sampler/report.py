"""The log probabilities that rows asked for, in the wire's form. Knows who asks for what, not how it is computed.

R rows, V vocabulary, N rows that ask, W columns: the token itself, then the top ones or the requested ids.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch

from penstock.kernels.upload import upload
from penstock.protocol.messages import TokenLogprobs
from penstock.protocol.sampling import SamplingParams
from penstock.workers.sampler.logprobs import Columns, chosen_logprobs
from penstock.workers.sampler.ops import SamplingOps
from penstock.workers.sampler.rows import Ints


class Report(NamedTuple):
    """What some rows asked for alike, where it was computed."""

    rows: list[int]
    columns: Columns


def report(
    ops: SamplingOps, logits_RV: torch.Tensor, rows_N: Ints, token_ids_N: torch.Tensor,
    params: Sequence[SamplingParams],
) -> list[Report]:  # fmt: skip
    """Row numbers are places in `rows_N`. Rows that ask alike are answered together, each in its own width."""
    reports = []
    for group in _groups(params):
        asked = params[group[0]]
        tokens = token_ids_N[upload(np.array(group), token_ids_N.device)]
        reports.append(Report(group, _answer(ops, logits_RV, rows_N[group], tokens, asked)))
    return reports


def answers(reports: Iterable[Report]) -> list[tuple[int, TokenLogprobs]]:
    """Each row's, in order, once the columns are on the CPU."""
    pairs = [
        pair for rows, columns in reports for pair in zip(rows, columns.pack_each(), strict=True)
    ]
    return sorted(pairs, key=lambda pair: pair[0])


def _groups(params: Sequence[SamplingParams]) -> list[list[int]]:
    groups: dict[tuple[int | None, tuple[int, ...]], list[int]] = {}
    for i, asked in enumerate(params):
        groups.setdefault((asked.logprobs, asked.logprob_token_ids), []).append(i)
    return list(groups.values())


def _answer(
    ops: SamplingOps, logits_RV: torch.Tensor, rows_N: Ints, token_ids_N: torch.Tensor,
    asked: SamplingParams,
) -> Columns:  # fmt: skip
    if not asked.logprob_token_ids:
        count, size = asked.logprobs or 0, logits_RV.shape[1]
        count = min(count, size) if count >= 0 else size
        return Columns(*ops.top_logprobs(logits_RV, rows_N, token_ids_N, count))
    named_NV = logits_RV[upload(rows_N, logits_RV.device)]
    return chosen_logprobs(named_NV, token_ids_N, asked.logprob_token_ids)
