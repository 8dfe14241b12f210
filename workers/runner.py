"""Carries out step plans: slots, batch, model, sampler. Knows no sockets and no scheduling.

R rows of the plan, N rows that sample, T tokens of the step, D hidden size.
"""

import time
from collections.abc import Iterator
from typing import Protocol

import numpy as np
import torch

from penstock.protocol.plan import Configure, RowLogprobs, StepPlan, StepResult
from penstock.workers.batch import Batch
from penstock.workers.batching import build_batch
from penstock.workers.kv_cache import KVCache
from penstock.workers.model_config import ModelConfig
from penstock.workers.prompt_logprobs import prompt_logprobs
from penstock.workers.sampler.rows import Ints
from penstock.workers.sampler.sampler import Sampled, Sampler
from penstock.workers.slots import Slots, ids_of

NOTHING = Sampled(np.empty(0, dtype=np.int64), [])


class Model(Protocol):
    """What the runner asks of a model."""

    config: ModelConfig

    def forward(self, batch: Batch, cache: KVCache) -> torch.Tensor: ...

    def logits(self, hidden_ND: torch.Tensor) -> torch.Tensor: ...


class ModelRunner:
    """Owns the slots and the cache of one rank."""

    def __init__(
        self, model: Model, cache: KVCache, shape: Configure, device: torch.device
    ) -> None:
        self._model = model
        self._cache = cache
        self._device = device
        self._slots = Slots(shape)
        self._sampler = Sampler(shape.max_num_seqs)
        self._prompt_logprobs: dict[int, int] = {}

    def execute(self, plan: StepPlan) -> StepResult:
        """One step: the plan's news first, then its rows."""
        started = time.perf_counter()
        self._apply(plan)
        with torch.inference_mode():
            sampled, rows_N, prompts = self._run(ids_of(plan.slots), ids_of(plan.counts))
        return StepResult(
            step=plan.step,
            token_ids=sampled.token_ids_R.astype("<u4").tobytes(),
            busy_s=time.perf_counter() - started,
            logprobs=[RowLogprobs(int(rows_N[i]), found) for i, found in sampled.logprobs],
            prompt_logprobs=prompts,
        )

    def _apply(self, plan: StepPlan) -> None:
        self._slots.free(ids_of(plan.frees))
        for slot in ids_of(plan.frees).tolist():
            self._prompt_logprobs.pop(slot, None)
        for start in plan.starts:
            self._slots.start(start)
            self._sampler.start(start.slot, start.params)
            if start.params.prompt_logprobs is not None:
                self._prompt_logprobs[start.slot] = start.params.prompt_logprobs
        for grant in plan.grants:
            self._slots.grant(grant)

    def _run(self, slots_R: Ints, counts_R: Ints) -> tuple[Sampled, Ints, list[RowLogprobs]]:
        """What was sampled, by which rows of the plan, and what the prompts brought."""
        if not len(slots_R):
            return NOTHING, slots_R, []
        self._slots.check(slots_R, counts_R)
        hidden_TD = self._model.forward(
            build_batch(self._slots, slots_R, counts_R, self._device), self._cache
        )
        prompts = list(self._score_prompts(hidden_TD, slots_R, counts_R))
        rows_N = np.flatnonzero(self._slots.sampling(slots_R, counts_R))
        self._slots.advance(slots_R, counts_R)
        sampled = self._sample(hidden_TD, slots_R[rows_N], np.cumsum(counts_R)[rows_N] - 1)
        return sampled, rows_N, prompts

    def _sample(self, hidden_TD: torch.Tensor, slots_N: Ints, last_N: Ints) -> Sampled:
        if not len(slots_N):
            return NOTHING
        hidden_ND = hidden_TD[torch.from_numpy(last_N).to(self._device)]
        sampled = self._sampler.sample(self._model.logits(hidden_ND), self._slots.rows(slots_N))
        self._slots.append(slots_N, sampled.token_ids_R)
        return sampled

    def _score_prompts(
        self, hidden_TD: torch.Tensor, slots_R: Ints, counts_R: Ints
    ) -> Iterator[RowLogprobs]:
        if not self._prompt_logprobs:
            return
        first_R = np.cumsum(counts_R) - counts_R
        for row, slot in enumerate(slots_R.tolist()):
            if slot not in self._prompt_logprobs:
                continue
            next_ids_T = self._slots.prompt_after(slot, int(counts_R[row]))
            if len(next_ids_T):
                first = int(first_R[row])
                yield self._score(row, slot, hidden_TD[first : first + len(next_ids_T)], next_ids_T)

    def _score(self, row: int, slot: int, hidden_TD: torch.Tensor, next_ids_T: Ints) -> RowLogprobs:
        ids_T = torch.from_numpy(next_ids_T).to(self._device)
        count, vocab = self._prompt_logprobs[slot], self._model.config.vocab_size
        return RowLogprobs(row, prompt_logprobs(hidden_TD, ids_T, count, self._model.logits, vocab))
