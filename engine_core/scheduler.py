"""Which tokens the next step computes, and what its result means. Knows no clock, no socket and no worker.

There is no prefill phase and no decode phase: a sequence catches up with its target, and each step spends a
token budget, on running sequences first and then on waiting ones. Blocks that run out are taken from the
running sequence that is served last; it waits again, and what of it is lost is recomputed (swap_space.py).

Two plans may be in flight: the second counts on tokens that the first has not brought yet (`num_pending`).
"""

from bisect import insort
from operator import attrgetter

from penstock.engine_core import admission, stops
from penstock.engine_core.admission import Rejection, SchedulerConfig
from penstock.engine_core.chunking import Chunking
from penstock.engine_core.fairness import Shares
from penstock.engine_core.kv_cache import KVCache
from penstock.engine_core.outputs import Output, output
from penstock.engine_core.plan_draft import PlanDraft, ScheduledStep
from penstock.engine_core.prompt_scores import PromptScores
from penstock.engine_core.queues import WaitingQueue
from penstock.engine_core.sequence import Sequence, State
from penstock.protocol.messages import Delta, FinishReason
from penstock.protocol.plan import StepResult
from penstock.protocol.token_ids import BYTES_PER_ID, unpack

_rank = attrgetter("rank")


class Scheduler:
    """`add`, `schedule`, `update` and `drop` in any order; every plan that `schedule` returns must be run.

    `running` is kept in the order of service, so that the last of it is the one to preempt.
    """

    def __init__(self, config: SchedulerConfig) -> None:
        self.config = config
        self.cache = KVCache(
            config.num_blocks, config.block_size, config.prefix_caching, config.num_host_blocks
        )
        self.chunking = Chunking(config)
        self.shares = Shares()
        self.waiting = WaitingQueue(self.shares)
        self.running: list[Sequence] = []
        self._was_shared = False
        self.num_preemptions = 0
        self._num_arrivals = 0
        self._num_steps = 0
        self._reset_slots()

    def _reset_slots(self) -> None:
        self._free_slots = list(range(self.config.max_num_seqs))[::-1]
        self._freed_slots: list[int] = []

    # ---- requests come and go

    def add(self, sequence: Sequence, held: bool = False) -> Rejection | Output | None:
        """Queues it, or keeps its place. An Output is that of a continued sequence which was complete already."""
        if rejection := admission.examine(sequence, self.config, self.waiting):
            return rejection
        self._num_arrivals += 1
        priority = sequence.priority if self.config.by_priority else 0
        sequence.rank = (priority, self._num_arrivals)
        sequence.max_len = self._max_len(sequence)
        if sequence.num_emitted:
            reason, stop_token = stops.ending(sequence)
            if reason:
                sequence.state = State.FINISHED
                return sequence, Delta(sequence.id, sequence.num_output, b"", reason, stop_token)
        (self.waiting.hold if held else self.waiting.push)(sequence)
        return None

    def _max_len(self, sequence: Sequence) -> int:
        """At this length it ends. A prompt that is only scored is computed too, as if for one token."""
        num_output = max(1, sequence.params.max_tokens)
        return min(sequence.num_prompt + num_output, self.config.max_model_len)

    def drop(self, sequence: Sequence) -> None:
        """Forgets it, wherever it is; results still to come for it are discarded. May be called twice."""
        match sequence.state:
            case State.WAITING | State.HELD:
                self._leave_queue(sequence)
            case State.RUNNING:
                self.running.remove(sequence)
                self._finish(sequence)
            case State.FINISHED:
                pass

    def requeue_running(self) -> None:
        """The workers are new: all that was computed, and every plan in flight, is lost."""
        for sequence in [*self.running, *self.waiting]:
            sequence.num_pending = 0
            sequence.forget_kept()
        for sequence in self.running:
            sequence.forget_computed()
            self.waiting.push_back(sequence)
        self.running = []
        self.cache.reset()
        self._reset_slots()

    # ---- a plan

    def schedule(self, may_join: bool = True) -> ScheduledStep | None:
        """The next plan, or None when no sequence can advance now. `may_join` lets others start beside running ones."""
        draft = PlanDraft(self.config, self.chunking.budget(self.running, len(self.waiting)))
        self.cache.begin_step()
        self._sort_running()
        has_room = self._continue_running(draft)
        self.shares.bill(draft)
        if has_room and (may_join or not self.running):
            self._admit_waiting(draft)
        if not draft.rows:
            return None
        self._num_steps += 1
        freed, self._freed_slots = self._freed_slots, []
        return draft.finish(self._num_steps, freed, *self.cache.swap.take_copies())

    def _sort_running(self) -> None:
        """By the order of service, which changes with every step while tenants share."""
        if self.shares.is_shared or self._was_shared:
            self.running.sort(key=_turn)
        self._was_shared = self.shares.is_shared

    def _continue_running(self, draft: PlanDraft) -> bool:
        """Rows for running sequences, in the order of service; False if blocks had to be taken from some."""
        num_preemptions, index = self.num_preemptions, 0
        most_rows = -(-len(self.running) // self.config.num_groups)
        while index < len(self.running) and draft.budget and len(draft.rows) < most_rows:
            sequence = self.running[index]
            if not draft.decode(sequence):
                count = self.chunking.next_of(sequence, draft)
                if count and not self._extend(sequence, count, draft):
                    break
            index += 1
        return self.num_preemptions == num_preemptions

    def _extend(self, sequence: Sequence, count: int, draft: PlanDraft) -> bool:
        """A row of `count` tokens; False if the sequence itself had to give its blocks away."""
        num_tokens = sequence.num_computed + count
        if num_tokens > len(sequence.blocks) * self.config.block_size:
            while (block_ids := self.cache.allocate(sequence, num_tokens)) is None:
                victim = self.running[-1]
                self._preempt(victim)
                if victim is sequence:
                    return False
            draft.grant(sequence, block_ids)
        draft.row(sequence, count)
        self.cache.commit(sequence)
        return True

    def _preempt(self, victim: Sequence) -> None:
        self.running.pop()
        self.cache.keep(victim)
        self._release(victim)
        victim.num_preemptions += 1
        self.num_preemptions += 1
        self.waiting.push_back(victim)

    def _admit_waiting(self, draft: PlanDraft) -> None:
        """Rows for waiting sequences, strictly in the order of service: none overtakes the first."""
        while draft.budget and len(self.running) < self.config.max_num_seqs:
            sequence = self.waiting.peek()
            if sequence is None or not self._admit(sequence, draft):
                break

    def _admit(self, sequence: Sequence, draft: PlanDraft) -> bool:
        if sequence.num_pending or self._must_run_apart(sequence):
            return False
        found = self.cache.find(sequence)
        count = self.chunking.chunk(len(sequence.tokens) - found.num_tokens, draft)
        if not count or self.cache.is_fresh(found):
            return False
        if not self.cache.can_take(found, len(sequence.tokens)):
            return False
        self.waiting.pop(sequence)
        self.cache.take(sequence, found)
        self._begin(sequence, count, draft)
        return True

    def _must_run_apart(self, sequence: Sequence) -> bool:
        """Suspects of a crash come one at a time, so that the next crash names the guilty."""
        return sequence.is_suspect and any(other.is_suspect for other in self.running)

    def _begin(self, sequence: Sequence, count: int, draft: PlanDraft) -> None:
        insort(self.running, sequence, key=_rank)
        sequence.slot = self._free_slots.pop()
        if sequence.num_cached < 0:
            sequence.num_cached = min(sequence.num_computed, sequence.num_prompt)
            self.cache.count_query(sequence)
        self.cache.allocate(sequence, sequence.num_computed + count)
        draft.start(sequence)
        draft.row(sequence, count)
        self.shares.bill(draft)
        self.cache.commit(sequence)

    # ---- a result

    def update(self, step: ScheduledStep, result: StepResult) -> list[Output]:
        """What the oldest plan in flight brought."""
        assert step.plan.step == result.step, (step.plan.step, result.step)
        logprobs = {step.rows[r.row]: r.logprobs for r in result.logprobs}
        scores = PromptScores(step, result)
        has_extras = bool(result.logprobs or result.prompt_logprobs)
        outputs, has_ended = [], False
        packed, tokens = result.token_ids, unpack(result.token_ids)
        for row, (sequence, token) in enumerate(zip(step.sampling, tokens, strict=True)):
            sequence.num_pending -= 1
            if sequence.state is not State.FINISHED:
                offset = len(sequence.tokens) - sequence.num_prompt
                ending = self._take(sequence, token)
                if ending is stops.NONE and offset > sequence.num_emitted and not has_extras:
                    place = row * BYTES_PER_ID
                    delta = Delta(sequence.id, offset, packed[place : place + BYTES_PER_ID])
                    outputs.append((sequence, delta))
                else:
                    has_ended = has_ended or ending is not stops.NONE
                    outputs.append(output(sequence, offset, ending, logprobs.get(sequence), scores))
        if has_ended:
            self.running = [s for s in self.running if s.state is State.RUNNING]
        return outputs + scores.rest()

    def _take(self, sequence: Sequence, token: int) -> stops.Ending:
        """One sampled token becomes part of the sequence, and maybe its end."""
        if not sequence.params.max_tokens:  # the prompt alone was asked for
            self._finish(sequence)
            return FinishReason.LENGTH, None
        sequence.tokens.append(token)
        if sequence.state is State.WAITING:
            self.waiting.grew(1)
        if not len(sequence.tokens) % self.config.block_size:
            self.cache.commit(sequence)
        ending = stops.ending(sequence)
        if ending is not stops.NONE:
            self._finish(sequence)
        return ending

    def _finish(self, sequence: Sequence) -> None:
        if sequence.state is State.WAITING:
            self._leave_queue(sequence)
        else:
            self._release(sequence)
            sequence.state = State.FINISHED
            assert sequence.line is not None
            self.shares.left(sequence.line)

    def _leave_queue(self, sequence: Sequence) -> None:
        self.waiting.remove(sequence)
        self.cache.swap.release(sequence)

    def _release(self, sequence: Sequence) -> None:
        """Its slot is free from the next plan on, which says so; its blocks are free at once."""
        self._free_slots.append(sequence.slot)
        self._freed_slots.append(sequence.slot)
        self.cache.free(sequence)

    # ---- truth

    def check(self) -> None:
        """Re-derives every count from scratch. For tests, after every call."""
        self.waiting.check()
        self.cache.check(self.running, self.waiting)
        slots = [sequence.slot for sequence in self.running]
        assert sorted(slots + self._free_slots) == list(range(self.config.max_num_seqs))
        assert set(self._freed_slots) <= set(self._free_slots)
        if not (self.shares.is_shared or self._was_shared):
            assert self.running == sorted(self.running, key=_rank)
        for sequence in self.running:
            assert sequence.state is State.RUNNING
            assert 0 < sequence.num_computed <= sequence.target
            assert sequence.target <= sequence.max_len
        for sequence in self.waiting:
            assert not sequence.blocks
            assert sequence.num_computed == 0


def _turn(sequence: Sequence) -> tuple[int, int, int]:
    """The smallest is served first, and preempted last."""
    assert sequence.line is not None
    return sequence.rank[0], sequence.line.served, sequence.rank[1]
