"""Log probabilities of a prompt, a chunk at a time. Knows tokens of a step, not how chunks are made.

Position p predicts token p + 1, so a chunk of positions a..b-1 brings tokens a+1..b, as far as the
prompt goes. The logits of a chunk are made and dropped in slices: a whole chunk's would not fit.

T tokens of the step, N tokens of a slice, V vocabulary.
"""

from collections.abc import Callable

import torch

from penstock.workers.sampler.logprobs import Columns, join, top_logprobs

SLICE_ELEMENTS = 1 << 23

LogitsOf = Callable[[int, int], torch.Tensor]
"""Of tokens [first, end) of the step, float32 [N, V]."""


def tokens_per_slice(vocab: int) -> int:
    """The most tokens whose logits are asked for at once."""
    return max(1, SLICE_ELEMENTS // vocab)


def prompt_logprobs(
    logits_of: LogitsOf, first: int, next_ids_T: torch.Tensor, count: int, vocab: int
) -> Columns:
    """Of the tokens that follow those from `first` on, beside the `count` likeliest; where the logits lie."""
    step = tokens_per_slice(vocab)
    slices = torch.split(next_ids_T, step)
    return join([_slice(logits_of, first + i * step, ids, count) for i, ids in enumerate(slices)])


def _slice(logits_of: LogitsOf, first: int, next_ids_N: torch.Tensor, count: int) -> Columns:
    logits_NV = logits_of(first, first + len(next_ids_N))
    return top_logprobs(logits_NV, next_ids_N, count)
