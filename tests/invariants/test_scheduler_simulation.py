"""The scheduler against a worker that checks every read, outputs known in advance, and its own rules written twice.

Tens of thousands of steps by seed: random arrivals, aborts, crashes, priorities, tiny pools, one or two plans in
flight. PENSTOCK_SIMULATION_SEEDS sets how many seeds run (each is 250 steps and the drain).
"""

import os
import random
from collections import deque
from typing import Any

import pytest
from support.gold_scheduler import GoldScheduler, GoldSequence
from support.paper_model import VOCAB_SIZE, whole_output
from support.paper_worker import PaperWorker

from penstock.engine_core.admission import Rejection, SchedulerConfig
from penstock.engine_core.plan_draft import ScheduledStep
from penstock.engine_core.scheduler import Scheduler
from penstock.engine_core.sequence import Sequence, State
from penstock.protocol.messages import Delta, FinishReason
from penstock.protocol.plan import StepResult
from penstock.protocol.sampling import SamplingParams
from penstock.protocol.token_ids import unpack

NUM_SEEDS = int(os.environ.get("PENSTOCK_SIMULATION_SEEDS", "120"))
NUM_STEPS = 250
DRAIN_STEPS = 20_000


def random_config(rng: random.Random) -> SchedulerConfig:
    block_size = rng.choice([2, 4, 8])
    num_blocks = rng.choice([5, 8, 12, 40])
    max_model_len = min(rng.choice([20, 40]), num_blocks * block_size)
    chunked = rng.random() < 0.7
    budget = rng.choice([7, 16, 40]) if chunked else max_model_len + rng.choice([0, 20])
    return SchedulerConfig(
        num_blocks=num_blocks,
        block_size=block_size,
        max_num_seqs=rng.choice([1, 3, 6, 10]),
        max_num_batched_tokens=budget,
        max_model_len=max_model_len,
        max_queued_requests=rng.choice([5, 30]),
        max_queued_tokens=rng.choice([100, 1000]),
        prefix_caching=rng.random() < 0.7,
        chunked_prefill=chunked,
        long_prefill_token_threshold=rng.choice([0, 0, 5]),
        by_priority=rng.random() < 0.4,
        num_groups=rng.choice([1, 1, 2, 3]),
        num_host_blocks=rng.choice([0, 0, 2, 7, 40]),
    )


class Case:
    """One request and what must come of it."""

    def __init__(
        self,
        number: int,
        rng: random.Random,
        config: SchedulerConfig,
        bases: Any,
        tenants: list[str],
    ) -> None:
        base = rng.choice(bases)
        prompt = base[: rng.randrange(1, len(base) + 1)]
        prompt += [rng.randrange(VOCAB_SIZE) for _ in range(rng.randrange(0, 6))]
        self.prompt = prompt
        self.params = random_params(rng)
        self.expected, self.finish, self.stop_token = whole_output(
            prompt, self.params, config.max_model_len
        )
        longest = len(self.expected) if self.params.max_tokens else 0
        self.emitted = self.expected[: rng.choice([0, 0, 0, rng.randrange(longest + 1)])]
        self.priority = rng.randrange(3)
        self.salt = rng.choice(["", "", "salt"])
        self.tenant = rng.choice(tenants)
        self.sequence = Sequence(
            number,
            prompt,
            self.params,
            emitted=self.emitted,
            priority=self.priority,
            salt=self.salt,
            tenant=self.tenant,
            owner=self,
        )
        self.received = list(self.emitted)
        self.scored: list[int] = []
        self.is_over = False
        self.num_digests = 0
        self.gold: GoldSequence | None = None

    def take(self, delta: Delta) -> None:
        """Each delta continues the last one exactly."""
        assert not self.is_over
        assert delta.id == self.sequence.id
        assert delta.offset == len(self.received)
        tokens = unpack(delta.token_ids)
        self.received += tokens
        assert self.received == self.expected[: len(self.received)]
        if delta.prompt_logprobs:
            self.scored += unpack(delta.prompt_logprobs.ids)[1::2]
        if self.params.logprobs is not None and tokens:
            assert delta.logprobs is not None
            position = len(self.prompt) + len(self.received) - 1
            assert unpack(delta.logprobs.ids) == [tokens[0], position]
        if delta.finish:
            self.end(delta)

    def end(self, delta: Delta) -> None:
        self.is_over = True
        assert self.received == self.expected
        assert (delta.finish, delta.stop_token) == (self.finish, self.stop_token)
        if self.params.prompt_logprobs is not None and len(self.emitted) < len(self.expected):
            assert self.scored == list(range(1, len(self.prompt)))


def random_params(rng: random.Random) -> SamplingParams:
    max_tokens = rng.choice([0, 1, 2, 5, 12, 30])
    return SamplingParams(
        max_tokens=max_tokens,
        seed=rng.randrange(3),
        min_tokens=rng.randrange(max_tokens + 1) if rng.random() < 0.3 else 0,
        eos_token_ids=rng.choice([(), (0, 1, 2)]),
        stop_token_ids=rng.choice([(), (3, 4)]),
        logprobs=rng.choice([None, 1]),
        prompt_logprobs=rng.choice([None, None, None, 1]),
    )


class Simulation:
    """Scheduler, gold scheduler and paper worker in step."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.config = random_config(self.rng)
        self.scheduler = Scheduler(self.config)
        self.gold = GoldScheduler(self.config)
        self.worker = self.new_worker()
        self.depth = self.rng.choice([1, 2, 2, 3])
        self.in_flight: deque[tuple[ScheduledStep, StepResult]] = deque()
        self.cases: list[Case] = []
        self.num_arrivals = 0
        self.digests: dict[bytes, Any] = {}
        longest = self.config.max_model_len - 7
        self.tenants = ["", "a", "b", "c"][: self.rng.choice([1, 2, 4])]
        self.bases = [[self.rng.randrange(VOCAB_SIZE) for _ in range(longest)] for _ in range(3)]

    def new_worker(self) -> PaperWorker:
        config = self.config
        return PaperWorker(
            config.num_blocks,
            config.block_size,
            config.max_num_seqs,
            config.max_num_batched_tokens,
            config.num_host_blocks,
        )

    def run(self) -> None:
        for _ in range(NUM_STEPS):
            self.arrive()
            self.abort()
            self.crash()
            self.forget_prefixes()
            self.reweigh()
            self.turn()
        for _ in range(DRAIN_STEPS):
            if not (self.scheduler.running or self.scheduler.waiting or self.in_flight):
                break
            self.turn()
        assert all(case.is_over for case in self.cases)
        assert self.scheduler.cache.num_free == self.config.num_blocks
        assert self.scheduler.cache.swap.num_free == self.config.num_host_blocks

    def turn(self) -> None:
        """A plan if one may go out, and the oldest result, sooner or later."""
        planned = len(self.in_flight) < self.depth and self.plan()
        if self.in_flight and (not planned or self.rng.random() < 0.6):
            self.result()

    # ---- what may happen

    def arrive(self) -> None:
        while self.rng.random() < 0.35:
            case = Case(len(self.cases), self.rng, self.config, self.bases, self.tenants)
            answer = self.scheduler.add(case.sequence)
            self.scheduler.check()
            if isinstance(answer, Rejection):
                assert case.sequence.state is State.WAITING
                continue
            self.cases.append(case)
            self.num_arrivals += 1
            if answer is not None:
                case.take(answer[1])
                assert case.is_over
                continue
            self.add_gold(case)

    def add_gold(self, case: Case) -> None:
        most = len(case.prompt) + max(1, case.params.max_tokens)
        case.gold = GoldSequence(
            case.sequence.id,
            [*case.prompt, *case.emitted],
            len(case.prompt),
            (case.priority if self.config.by_priority else 0, self.num_arrivals),
            min(most, self.config.max_model_len),
            case.salt,
            case.params.prompt_logprobs is None,
            case.tenant,
        )
        self.gold.add(case.gold)

    def abort(self) -> None:
        if self.cases and self.rng.random() < 0.05:
            case = self.rng.choice(self.cases)
            was_over = case.is_over
            case.is_over = True
            self.scheduler.drop(case.sequence)
            self.scheduler.check()
            if case.gold and not was_over:
                self.gold.remove(case.gold)

    def forget_prefixes(self) -> None:
        if self.rng.random() < 0.01:
            self.scheduler.cache.drop_prefixes()
            self.scheduler.check()
            self.gold.drop_prefixes()

    def reweigh(self) -> None:
        if self.rng.random() < 0.02:
            weights = {tenant: self.rng.choice([0.5, 1, 3, 7]) for tenant in self.tenants[1:]}
            self.scheduler.shares.reweigh(weights)
            self.gold.weights = weights

    def crash(self) -> None:
        if self.rng.random() < 0.004:
            self.scheduler.requeue_running()
            self.scheduler.check()
            self.gold.crash()
            self.in_flight.clear()
            self.worker = self.new_worker()

    # ---- a step

    def plan(self) -> bool:
        was_running = [s.id for s in self.scheduler.running]
        was_pending = {s.id for s in self.scheduler.running if s.num_pending}
        if self.rng.random() < 0.1:
            bound = self.rng.choice([None, 1, 3, 8])
            self.gold.chunk_bound = bound
            self.scheduler.chunking.bound = lambda crowd: bound and bound * max(1, int(crowd))
        step = self.scheduler.schedule()
        self.scheduler.check()
        self.compare(step, was_running)
        if step is None:
            return False
        if self.config.num_groups > 1:
            assert not was_pending & {s.id for s in step.rows}
            assert unpack(step.plan.tails) == [s.tokens[-1] for s in step.rows]
        self.in_flight.append((step, self.worker.execute(step.plan)))
        return True

    def compare(self, step: ScheduledStep | None, was_running: list[int]) -> None:
        decision = self.gold.decide()
        rows = []
        if step:
            rows = [(s.id, c) for s, c in zip(step.rows, unpack(step.plan.counts), strict=True)]
            starts = [
                (s.id, start.num_computed)
                for s, start in zip(step.admitted, step.plan.starts, strict=True)
            ]
            assert starts == decision.starts
        assert rows == decision.rows
        running = {s.id for s in self.scheduler.running}
        assert {i for i in was_running if i not in running} == set(decision.preempted)
        assert running == {s.name for s in self.gold.running}

    def result(self) -> None:
        step, result = self.in_flight.popleft()
        self.give_gold(step, result)
        for sequence, delta in self.scheduler.update(step, result):
            case = sequence.owner
            assert isinstance(case, Case)
            case.take(delta)
            if delta.finish and case.gold:
                self.gold.remove(case.gold)
        self.scheduler.check()
        if not self.in_flight:
            self.check_index()

    def give_gold(self, step: ScheduledStep, result: StepResult) -> None:
        """A token is the gold sequence's too, unless the request is over or only scored."""
        for sequence, token in zip(step.sampling, unpack(result.token_ids), strict=True):
            case = sequence.owner
            assert isinstance(case, Case)
            assert case.gold is not None
            case.gold.pending -= 1
            if not case.is_over and case.params.max_tokens:
                self.gold.took(case.gold, token)

    def check_index(self) -> None:
        """An indexed block holds the very tokens that its digest stands for, of one salt."""
        size = self.config.block_size
        for case in self.cases:
            digests = case.sequence.digests
            for i in range(case.num_digests, len(digests)):
                meaning = case.salt, tuple(case.sequence.tokens[: (i + 1) * size])
                assert self.digests.setdefault(digests[i], meaning) == meaning
            case.num_digests = len(digests)
        for digest, block in self.scheduler.cache._index.items():
            key = 0
            for token in self.digests[digest][1]:
                key = hash((key, token))
            assert self.worker.memory[block.id, size - 1] == key


@pytest.mark.parametrize("seed", range(NUM_SEEDS))
def test_every_read_every_output_and_every_decision_is_right(seed: int) -> None:
    Simulation(seed).run()


def test_the_simulation_reaches_what_it_is_for() -> None:
    """Preemptions, cache hits, swaps, discarded rows and full queues do occur."""
    runs = [Simulation(seed) for seed in range(20)]
    for run in runs:
        run.run()
    assert sum(run.scheduler.num_preemptions for run in runs) > 50
    caches = [run.scheduler.cache for run in runs]
    assert sum(cache.num_hit_tokens for cache in caches) > 400
    assert sum(cache.swap.num_copied_in for cache in caches) > 50
    assert sum(cache.swap.num_copied_out for cache in caches) > 50
    assert sum(cache.swap.num_restored_tokens for cache in caches) > 200
    assert sum(cache.num_recomputed_tokens for cache in caches) > 200
    assert {case.finish for run in runs for case in run.cases} == {
        FinishReason.STOP,
        FinishReason.LENGTH,
    }
