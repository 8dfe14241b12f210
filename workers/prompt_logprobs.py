"""Log probabilities of a prompt, a chunk at a time. Knows slots and hidden states, not how chunks are made.

Position p predicts token p + 1, so a chunk of positions a..b-1 brings tokens a+1..b, as far as the
prompt goes. The logits of a chunk are made and dropped in slices: a whole chunk's would not fit.

D hidden size, T tokens of the step, N tokens of a slice, V vocabulary.
"""

from collections.abc import Callable

import torch

from penstock.protocol.messages import TokenLogprobs
from penstock.workers.sampler.logprobs import Columns, join, top_logprobs

SLICE_ELEMENTS = 1 << 23

ToLogits = Callable[[torch.Tensor], torch.Tensor]


def prompt_logprobs(
    hidden_TD: torch.Tensor, next_ids_T: torch.Tensor, count: int, to_logits: ToLogits, vocab: int
) -> TokenLogprobs:
    """Of the tokens that follow each hidden state, beside the `count` likeliest."""
    step = max(1, SLICE_ELEMENTS // vocab)
    slices = range(0, len(next_ids_T), step)
    return join([_slice(hidden_TD, next_ids_T, i, step, count, to_logits) for i in slices]).pack()


def _slice(
    hidden_TD: torch.Tensor, next_ids_T: torch.Tensor, start: int, step: int, count: int,
    to_logits: ToLogits,
) -> Columns:  # fmt: skip
    some = slice(start, start + step)
    return top_logprobs(to_logits(hidden_TD[some]), next_ids_T[some], count)
