"""Carries out step plans: slots, forward pass, sampler. Knows no sockets and no scheduling.

R rows of the plan, N rows that sample, T tokens of the step.
"""

import time
from collections.abc import Iterator

import numpy as np
import torch

from penstock.protocol.plan import RowFailure, RowLogprobs, SeqStart, StepPlan, StepResult
from penstock.workers.forward import Forward
from penstock.workers.grammar.masks import Masks
from penstock.workers.parallel.followers import NOTHING, TokenSource
from penstock.workers.prompt_logprobs import prompt_logprobs
from penstock.workers.sampler.params import is_guided
from penstock.workers.sampler.rows import Ints
from penstock.workers.sampler.sampler import Sampled
from penstock.workers.slots import Slots, ids_of


class ModelRunner:
    """One rank's steps. Shares the slots with the forward pass, which reads them."""

    def __init__(
        self, slots: Slots, forward: Forward, sampler: TokenSource, masks: Masks | None = None
    ) -> None:
        self._slots = slots
        self._forward = forward
        self._sampler = sampler
        self._masks = masks
        self._prompt_logprobs: dict[int, int] = {}

    def execute(self, plan: StepPlan) -> StepResult:
        """One step: the plan's news first, then its rows."""
        started = time.perf_counter()
        self._apply(plan)
        with torch.inference_mode():
            slots_R, counts_R = ids_of(plan.slots), ids_of(plan.counts)
            if plan.tails:
                self._slots.catch_up(slots_R, counts_R, ids_of(plan.tails))
            sampled, rows_N, prompts = self._run(slots_R, counts_R)
        failures = [RowFailure(int(rows_N[i]), reason) for i, reason in sampled.failures]
        return StepResult(
            step=plan.step,
            token_ids=sampled.token_ids_R.astype("<u4").tobytes(),
            busy_s=time.perf_counter() - started,
            logprobs=[RowLogprobs(int(rows_N[i]), found) for i, found in sampled.logprobs],
            prompt_logprobs=prompts,
            failures=failures,
        )

    def _apply(self, plan: StepPlan) -> None:
        if plan.frees:
            self._free(ids_of(plan.frees))
        for start in plan.starts:
            self._slots.start(start)
            self._sampler.start(start.slot, start.params)
            if self._masks is not None and is_guided(start.params):
                self._masks.start(start.slot, start.params, _output_of(start))
            if start.params.prompt_logprobs is not None and self._forward.has_logits:
                self._prompt_logprobs[start.slot] = start.params.prompt_logprobs
        for grant in plan.grants:
            self._slots.grant(grant)

    def _free(self, slots_F: Ints) -> None:
        self._slots.free(slots_F)
        if self._masks is not None:
            self._masks.free(slots_F)
        for slot in slots_F.tolist():
            self._prompt_logprobs.pop(slot, None)

    def _run(self, slots_R: Ints, counts_R: Ints) -> tuple[Sampled, Ints, list[RowLogprobs]]:
        """What was sampled, by which rows of the plan, and what the prompts brought."""
        if not len(slots_R):
            return NOTHING, slots_R, []
        self._slots.check(slots_R, counts_R)
        rows_N = np.flatnonzero(self._slots.sampling(slots_R, counts_R))
        logits_NV = self._forward.run(slots_R, counts_R, rows_N)
        prompts = list(self._score_prompts(slots_R, counts_R))
        self._slots.advance(slots_R, counts_R)
        return self._sample(logits_NV, slots_R[rows_N]), rows_N, prompts

    def _sample(self, logits_NV: torch.Tensor, slots_N: Ints) -> Sampled:
        if not len(slots_N):
            return NOTHING
        sampled = self._sampler.sample(logits_NV, self._slots.rows(slots_N))
        if len(sampled.token_ids_R):
            self._slots.append(slots_N, sampled.token_ids_R)
        if self._masks is not None:
            self._masks.advance(slots_N, sampled.token_ids_R)
        return sampled

    def _score_prompts(self, slots_R: Ints, counts_R: Ints) -> Iterator[RowLogprobs]:
        if not self._prompt_logprobs:
            return
        first_R = np.cumsum(counts_R) - counts_R
        for row, slot in enumerate(slots_R.tolist()):
            if slot not in self._prompt_logprobs:
                continue
            next_ids_T = self._slots.prompt_after(slot, int(counts_R[row]))
            if len(next_ids_T):
                yield self._score(row, slot, int(first_R[row]), next_ids_T)

    def _score(self, row: int, slot: int, first: int, next_ids_T: Ints) -> RowLogprobs:
        forward, count = self._forward, self._prompt_logprobs[slot]
        ids_T = torch.from_numpy(next_ids_T)
        return RowLogprobs(
            row, prompt_logprobs(forward.logits, first, ids_T, count, forward.vocab_size)
        )


def _output_of(start: SeqStart) -> list[int]:
    """What a sequence that was preempted, or began elsewhere, has said already."""
    return [int(token) for token in ids_of(start.token_ids)[start.num_prompt :]]
