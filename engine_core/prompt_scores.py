"""Prompt log probabilities on their way out, each exactly once. Knows chunks and recomputation, not scheduling."""

from penstock.engine_core.plan_draft import ScheduledStep
from penstock.engine_core.sequence import Sequence, State
from penstock.protocol.messages import Delta, TokenLogprobs
from penstock.protocol.plan import StepResult
from penstock.protocol.token_ids import BYTES_PER_ID


class PromptScores:
    """Those of one step, by sequence. A recomputed prompt brings some again: only the new ones are kept.

    A row that computes tokens [first, first + n) scores the tokens first + 1 ... first + n, as far as
    they belong to the prompt.
    """

    def __init__(self, step: ScheduledStep, result: StepResult) -> None:
        self._held: dict[Sequence, TokenLogprobs] = {}
        for row in result.prompt_logprobs:
            self._keep(step.rows[row.row], step.first_tokens[row.row], row.logprobs)

    def _keep(self, sequence: Sequence, first: int, logprobs: TokenLogprobs) -> None:
        if sequence.state is State.FINISHED:
            return
        num_known = sequence.num_prompt_logprobs
        assert first <= num_known, "a chunk of the prompt is missing"
        fresh = skip(logprobs, num_known - first)
        num_fresh = len(fresh.ranks) // BYTES_PER_ID
        if num_fresh:
            sequence.num_prompt_logprobs += num_fresh
            self._held[sequence] = fresh

    def take(self, sequence: Sequence) -> TokenLogprobs | None:
        return self._held.pop(sequence, None)

    def rest(self) -> list[tuple[Sequence, Delta]]:
        """Deltas for the sequences that got no token in this step."""
        return [
            (s, Delta(s.id, s.num_output, b"", prompt_logprobs=logprobs))
            for s, logprobs in self._held.items()
        ]


def skip(logprobs: TokenLogprobs, count: int) -> TokenLogprobs:
    """Without the first `count` tokens."""
    if count <= 0:
        return logprobs
    start, row_start = count * BYTES_PER_ID, count * BYTES_PER_ID * logprobs.width
    return TokenLogprobs(
        logprobs.width,
        logprobs.ids[row_start:],
        logprobs.values[row_start:],
        logprobs.ranks[start:],
    )
