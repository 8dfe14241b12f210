"""How many tokens a sequence computes in a step. Knows targets and budgets, not blocks or whose turn it is."""

from collections.abc import Callable, Collection

from penstock.engine_core.admission import SchedulerConfig
from penstock.engine_core.plan_draft import PlanDraft
from penstock.engine_core.sequence import Sequence

ChunkBound = Callable[[float], int | None]
"""Most tokens of prompts in a step that decodes as well, given the prompts for each stream that does; see pacing.py."""


class Chunking:
    """Long prompts are cut so that a step stays within its budget, and streams beside them within `bound`."""

    def __init__(self, config: SchedulerConfig) -> None:
        self.config = config
        self.bound: ChunkBound = _unbound

    def budget(self, running: Collection[Sequence], num_waiting: int) -> int:
        """Prompts may take the whole step, but for the bound while other sequences wait for their next token."""
        budget, num_running = self.config.max_num_batched_tokens, len(running)
        num_decoding = sum(s.target - s.num_computed == 1 for s in running)
        num_prompts = num_running - num_decoding + num_waiting
        if not num_decoding or not num_prompts:
            return budget
        bound = self.bound(num_prompts / num_decoding)
        return budget if bound is None else min(bound, budget)

    def next_of(self, sequence: Sequence, draft: PlanDraft) -> int:
        """For one that runs: none if the pending ones bring it to its end already, or are waited for."""
        target = sequence.target
        if sequence.num_pending and (self.config.awaits_tokens or target >= sequence.max_len):
            return 0
        missing = target - sequence.num_computed
        return 1 if missing == 1 else self.chunk(missing, draft)

    def chunk(self, missing: int, draft: PlanDraft) -> int:
        """Of so many missing tokens; none if they are not to be cut and do not fit."""
        if not self.config.chunked_prefill:
            return missing if missing <= draft.budget else 0
        threshold = self.config.long_prefill_token_threshold or draft.budget
        return min(missing, draft.budget, draft.chunk_budget, threshold)


def _unbound(crowd: float) -> int | None:
    return None
