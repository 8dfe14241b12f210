"""Carries out step plans: slots, forward pass, sampler. Knows no sockets and no scheduling.

A step is launched, and collected later: before that the next one may be launched, which counts on tokens that only the
device knows. What a launch needs to know of them on the host, it waits for.

R rows of the plan, N rows that sample, T tokens of the step.
"""

import time
from collections import deque
from collections.abc import Iterator

import numpy as np
import torch

from penstock.kernels.upload import upload
from penstock.protocol.plan import SeqStart, StepPlan, StepResult
from penstock.workers.device.inline import INLINE
from penstock.workers.device.stream import Stream
from penstock.workers.forward import Forward
from penstock.workers.grammar.checks import Checks
from penstock.workers.grammar.masks import Masks
from penstock.workers.host_copies.swapper import Swapper
from penstock.workers.parallel.followers import NOTHING, TokenSource
from penstock.workers.pending import Pending, start_home
from penstock.workers.prompt_logprobs import prompt_logprobs
from penstock.workers.sampler.logprobs import Columns
from penstock.workers.sampler.params import is_guided
from penstock.workers.sampler.rows import Ints
from penstock.workers.sampler.sampler import Sampled
from penstock.workers.slots import Slots, ids_of


class ModelRunner:
    """One rank's steps. Shares the slots with the forward pass, which reads them."""

    def __init__(
        self,
        slots: Slots,
        forward: Forward,
        sampler: TokenSource,
        masks: Masks | Checks | None = None,
        stream: Stream = INLINE,
        swapper: Swapper | None = None,
    ) -> None:
        self._slots = slots
        self._forward = forward
        self._sampler = sampler
        self._masks = masks
        self._stream = stream
        self._swapper = swapper
        self._prompt_logprobs: dict[int, int] = {}
        self._unlearned: deque[Pending] = deque()
        self._collected_at = 0.0

    @property
    def runs_ahead(self) -> bool:
        """Whether a launched step goes on by itself."""
        return self._stream.is_late

    def execute(self, plan: StepPlan) -> StepResult:
        """One step at a time."""
        return self.collect(self.launch(plan))

    def launch(self, plan: StepPlan) -> Pending:
        """The plan's news first, then its rows. Steps are collected in the order in which they were launched."""
        started = time.perf_counter()
        self._apply(plan)
        with torch.inference_mode():
            slots_R, counts_R = ids_of(plan.slots), ids_of(plan.counts)
            if plan.tails:
                self._slots.catch_up(slots_R, counts_R, ids_of(plan.tails))
            return self._run(plan.step, started, slots_R, counts_R)

    def collect(self, pending: Pending) -> StepResult:
        """Waits for what the step made. Its time is its own: from its launch, or from the end of the one before."""
        self._learn_up_to(pending)
        token_ids = pending.token_ids().astype("<u4").tobytes()
        logprobs, prompts = pending.logprobs(), pending.prompt_logprobs()
        now = time.perf_counter()
        busy_s = now - max(pending.launched_at, self._collected_at)
        self._collected_at = now
        return StepResult(pending.step, token_ids, busy_s, logprobs, prompts, pending.failures())

    def prepare(self) -> bool:
        """See `Forward.prepare`."""
        return self._forward.prepare()

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
        if plan.swaps_out or plan.swaps_in:
            assert self._swapper is not None, "no host blocks were configured"
            self._swapper.carry_out(plan.swaps_out, plan.swaps_in)

    def _free(self, slots_F: Ints) -> None:
        self._slots.free(slots_F)
        if self._masks is not None:
            self._masks.free(slots_F)
        for slot in slots_F.tolist():
            self._prompt_logprobs.pop(slot, None)

    def _run(self, step: int, started: float, slots_R: Ints, counts_R: Ints) -> Pending:
        if not len(slots_R):
            return self._pending(step, started, slots_R, NOTHING, [], slots_R)
        self._slots.check(slots_R, counts_R)
        rows_N = np.flatnonzero(self._slots.sampling(slots_R, counts_R))
        logits_NV = self._forward.run(slots_R, counts_R, rows_N)
        prompts = list(self._score_prompts(slots_R, counts_R))
        self._slots.advance(slots_R, counts_R)
        sampled = self._sample(logits_NV, slots_R[rows_N])
        return self._pending(step, started, rows_N, sampled, prompts, slots_R[rows_N])

    def _sample(self, logits_NV: torch.Tensor, slots_N: Ints) -> Sampled:
        if not len(slots_N):
            return NOTHING
        if self._unlearned and self._sampler.reads_history(slots_N):
            self._learn_up_to(self._unlearned[-1])
        return self._sampler.sample(logits_NV, self._slots.rows(slots_N))

    def _pending(
        self, step: int, started: float, rows_N: Ints, sampled: Sampled,
        prompts: list[tuple[int, Columns]], slots_N: Ints,
    ) -> Pending:  # fmt: skip
        arrival = start_home(self._stream, sampled, prompts)
        pending = Pending(step, started, rows_N, sampled, prompts, arrival, None)
        if sampled.token_ids_R.numel():
            self._remember(pending, slots_N)
        return pending

    def _remember(self, pending: Pending, slots_N: Ints) -> None:
        if self._forward.keep(pending.sampled.token_ids_R):
            pending.expected = self._slots.expect(slots_N)
            self._unlearned.append(pending)
            return
        token_ids_N = pending.token_ids()
        self._slots.append(slots_N, token_ids_N)
        self._tell_masks(slots_N, token_ids_N)

    def _learn_up_to(self, pending: Pending) -> None:
        """In order: a slot's next token is the next one that its grammar takes."""
        while pending.expected is not None:
            self._learn(self._unlearned.popleft())

    def _learn(self, oldest: Pending) -> None:
        assert oldest.expected is not None
        token_ids_N, slots_N = oldest.token_ids(), oldest.expected.slots_N
        here_N = self._slots.learn(oldest.expected, token_ids_N)
        oldest.expected = None
        self._tell_masks(slots_N[here_N], token_ids_N[here_N])

    def _tell_masks(self, slots_N: Ints, token_ids_N: Ints) -> None:
        if self._masks is not None:
            self._masks.advance(slots_N, token_ids_N)

    def _score_prompts(self, slots_R: Ints, counts_R: Ints) -> Iterator[tuple[int, Columns]]:
        if not self._prompt_logprobs:
            return
        first_R = np.cumsum(counts_R) - counts_R
        for row, slot in enumerate(slots_R.tolist()):
            if slot not in self._prompt_logprobs:
                continue
            next_ids_T = self._slots.prompt_after(slot, int(counts_R[row]))
            if len(next_ids_T):
                yield row, self._score(slot, int(first_R[row]), next_ids_T)

    def _score(self, slot: int, first: int, next_ids_T: Ints) -> Columns:
        forward, count = self._forward, self._prompt_logprobs[slot]
        ids_T = upload(next_ids_T, self._stream.device)
        return prompt_logprobs(forward.logits, first, ids_T, count, forward.vocab_size)


def _output_of(start: SeqStart) -> list[int]:
    """What a sequence that was preempted, or began elsewhere, has said already."""
    return [int(token) for token in ids_of(start.token_ids)[start.num_prompt :]]
