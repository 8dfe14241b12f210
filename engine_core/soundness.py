"""Whether workers can compute with what a request asks. Knows parameters and the vocabulary, not lengths or queues.

Front ends check all of this and explain it better. Here it holds for those that do not: a value that no
worker can compute with would kill one after the other, and every other request would wait for them.
"""

import sys
from collections.abc import Collection, Iterator
from itertools import chain

from penstock.engine_core.admission import Rejection
from penstock.engine_core.frontends import MAX_LOGPROB_BYTES
from penstock.engine_core.sequence import Sequence
from penstock.protocol.constraint import Thinking
from penstock.protocol.messages import RefusalCode
from penstock.protocol.sampling import SamplingParams

BYTES_PER_LOGPROB = 8
MOST_LISTED = 1024
"""Most ids in all bad words together, in `logprob_token_ids`, and in each of `Thinking`'s lists."""
MOST_BUDGET = (1 << 31) - 1
MOST_CHARS = 1 << 20
"""Of a constraint. Front ends allow fewer."""
LARGEST_ID, LARGEST_INT, LARGEST = (1 << 32) - 1, (1 << 63) - 1, sys.float_info.max
LISTS_OF_TEXTS = ("ends", "answer_starts", "other_starts", "prefaces")
"""Of `Thinking`."""
RANGES = {
    "max_tokens": (0, LARGEST_INT),
    "min_tokens": (0, LARGEST_INT),
    "temperature": (0, LARGEST),
    "top_p": (0, 1),
    "top_k": (0, LARGEST_INT),
    "min_p": (0, 1),
    "presence_penalty": (-LARGEST, LARGEST),
    "frequency_penalty": (-LARGEST, LARGEST),
    "repetition_penalty": (0, LARGEST),
}


class Soundness:
    """Holds requests to one model's vocabulary, and to the numbers that a sampler can take."""

    def __init__(self, vocab_size: int, max_logprobs: int, max_num_batched_tokens: int) -> None:
        self._vocab_size = vocab_size
        self._max_rows = max_num_batched_tokens
        self._max_logprobs = vocab_size if max_logprobs == -1 else max_logprobs

    def examine(self, sequence: Sequence) -> Rejection | None:
        """None lets it in."""
        params = sequence.params
        faults = chain(
            self._in_ids("prompt", sequence.tokens, len(sequence.tokens)),
            _in_numbers(params),
            self._in_lists(params),
            self._in_constraint(params),
            self._in_logprobs(params),
            self._in_scores(sequence),
        )
        fault = next(faults, None)
        return Rejection(RefusalCode.MALFORMED, fault) if fault else None

    def _in_lists(self, params: SamplingParams) -> Iterator[str]:
        size, words = self._vocab_size, [*chain.from_iterable(params.bad_words)]
        yield from self._in_ids("stop_token_ids", params.stop_token_ids, size)
        yield from self._in_ids("allowed_token_ids", params.allowed_token_ids, size)
        yield from self._in_ids("logit_bias", params.logit_bias, size)
        yield from self._in_ids("bad_words", words, MOST_LISTED)
        yield from self._in_ids("logprob_token_ids", params.logprob_token_ids, MOST_LISTED)
        # Those of some models lie beyond the model's own vocabulary.
        yield from _outside("eos_token_ids", params.eos_token_ids, 0, LARGEST_ID)
        yield from _outside("logit_bias", params.logit_bias.values(), -LARGEST, LARGEST)

    def _in_ids(self, name: str, ids: Collection[int], most: int) -> Iterator[str]:
        if len(ids) > most:
            yield f"{name} holds at most {most} token ids, got {len(ids)}"
        if ids and not 0 <= min(ids) <= max(ids) < self._vocab_size:
            yield f"{name} holds a token id outside the vocabulary of {self._vocab_size}"

    def _in_constraint(self, params: SamplingParams) -> Iterator[str]:
        if params.constraint is not None:
            if not params.eos_token_ids:
                yield "constraint needs eos_token_ids that may end the output"
            texts = (params.constraint.text, params.constraint.whitespace_pattern or "")
            if sum(map(len, texts)) > MOST_CHARS:
                yield f"constraint holds at most {MOST_CHARS} characters"
        if params.thinking is not None:
            yield from self._in_thinking(params.thinking)

    def _in_thinking(self, thinking: Thinking) -> Iterator[str]:
        for name in LISTS_OF_TEXTS:
            texts = getattr(thinking, name)
            yield from self._in_ids(f"thinking.{name}", [*chain(*texts)], MOST_LISTED)
            if not all(texts):
                yield f"thinking.{name} cannot hold an empty text"
        yield from self._in_ids("thinking.start_ids", thinking.start_ids, MOST_LISTED)
        if not thinking.ends or not (thinking.start_ids or thinking.begins_inside):
            yield "thinking needs ends, and start_ids where it does not begin inside"
        if not -1 <= thinking.budget <= MOST_BUDGET:
            yield f"thinking.budget must be within [-1, {MOST_BUDGET}], got {thinking.budget}"

    def _in_logprobs(self, params: SamplingParams) -> Iterator[str]:
        for name in ("logprobs", "prompt_logprobs"):
            asked = getattr(params, name)
            width = self._vocab_size if asked == -1 else asked
            if width is not None and not 0 <= width <= self._max_logprobs:
                yield f"{name} must be within --max-logprobs {self._max_logprobs}, got {asked}"

    def _in_scores(self, sequence: Sequence) -> Iterator[str]:
        """A step's part of the prompt must fit one message, whatever --max-logprobs allows."""
        asked = sequence.params.prompt_logprobs or 0
        num_rows = min(sequence.num_prompt, self._max_rows)
        width = 1 + (self._vocab_size if asked == -1 else asked)
        if num_rows * width * BYTES_PER_LOGPROB > MAX_LOGPROB_BYTES:
            most = MAX_LOGPROB_BYTES // (num_rows * BYTES_PER_LOGPROB) - 1
            yield f"prompt_logprobs for {num_rows} tokens can be at most {most}, got {asked}"


def _in_numbers(params: SamplingParams) -> Iterator[str]:
    for name, (low, high) in RANGES.items():
        yield from _outside(name, (getattr(params, name),), low, high)


def _outside(name: str, values: Collection[float], low: float, high: float) -> Iterator[str]:
    """NaN lies outside of everything."""
    if not all(low <= value <= high for value in values):
        yield f"{name} must lie in [{low}, {high}]"
