"""The log probabilities that rows asked for, in the wire's form. Knows who asks for what, not how it is computed.

R rows, V vocabulary, N rows that ask, W columns: the token itself, then the top ones or the requested ids.
"""

from collections.abc import Sequence

import torch

from penstock.protocol.messages import TokenLogprobs
from penstock.protocol.sampling import SamplingParams
from penstock.workers.sampler.logprobs import Columns, chosen_logprobs
from penstock.workers.sampler.ops import SamplingOps
from penstock.workers.sampler.rows import Ints


def report(
    ops: SamplingOps, logits_RV: torch.Tensor, rows_N: Ints, token_ids_N: Ints,
    params: Sequence[SamplingParams],
) -> list[TokenLogprobs]:  # fmt: skip
    """One answer for each of `rows_N`, in its own width. Rows that ask alike are answered together."""
    answers: dict[int, TokenLogprobs] = {}
    for group in _groups(params):
        asked = params[group[0]]
        columns = _answer(ops, logits_RV, rows_N[group], token_ids_N[group], asked)
        answers.update(zip(group, columns.pack_each(), strict=True))
    return [answers[i] for i in range(len(params))]


def _groups(params: Sequence[SamplingParams]) -> list[list[int]]:
    groups: dict[tuple[int | None, tuple[int, ...]], list[int]] = {}
    for i, asked in enumerate(params):
        groups.setdefault((asked.logprobs, asked.logprob_token_ids), []).append(i)
    return list(groups.values())


def _answer(
    ops: SamplingOps, logits_RV: torch.Tensor, rows_N: Ints, token_ids_N: Ints,
    asked: SamplingParams,
) -> Columns:  # fmt: skip
    if not asked.logprob_token_ids:
        count, size = asked.logprobs or 0, logits_RV.shape[1]
        count = min(count, size) if count >= 0 else size
        return Columns(
            *map(torch.from_numpy, ops.top_logprobs(logits_RV, rows_N, token_ids_N, count))
        )
    tokens_N = torch.from_numpy(token_ids_N).to(logits_RV.device)
    return chosen_logprobs(logits_RV[rows_N], tokens_N, asked.logprob_token_ids)
