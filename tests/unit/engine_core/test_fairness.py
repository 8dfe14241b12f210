"""Tenants that wait together get their shares; the simulation in tests/invariants holds every single decision."""

import itertools
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine_core.admission import SchedulerConfig
from penstock.engine_core.scheduler import Scheduler
from penstock.engine_core.sequence import Sequence
from penstock.protocol.plan import StepResult
from penstock.protocol.sampling import SamplingParams
from penstock.protocol.token_ids import pack, unpack


class Bench:
    """A scheduler whose worker says 7 to everything. `work` is what was done for each tenant."""

    def __init__(
        self,
        num_seqs: int = 4,
        num_blocks: int = 4000,
        by_priority: bool = False,
        **weights: float,
    ) -> None:
        self.scheduler = Scheduler(
            SchedulerConfig(
                num_blocks=num_blocks,
                block_size=16,
                max_num_seqs=num_seqs,
                max_num_batched_tokens=256,
                max_model_len=min(512, 16 * num_blocks),
                max_queued_requests=10**6,
                max_queued_tokens=10**9,
                prefix_caching=False,
                by_priority=by_priority,
            )
        )
        self.scheduler.shares.reweigh(weights)
        self.work: Counter[str] = Counter()
        self.started: list[str] = []
        self.num_waiting: Counter[str] = Counter()
        self._ids = itertools.count()

    def ask(self, tenant: str, num_prompt: int = 20, max_tokens: int = 10, **rest: Any) -> Sequence:
        params = SamplingParams(max_tokens=max_tokens)
        sequence = Sequence(next(self._ids), [3] * num_prompt, params, tenant=tenant, **rest)
        assert self.scheduler.add(sequence) is None
        self.num_waiting[tenant] += 1
        return sequence

    def step(self) -> None:
        step = self.scheduler.schedule()
        assert step is not None
        for sequence, count in zip(step.rows, unpack(step.plan.counts), strict=True):
            self.work[sequence.tenant] += count
        for sequence in step.sampling:
            self.work[sequence.tenant] += 1
        self.started += [sequence.tenant for sequence in step.admitted]
        self.num_waiting.subtract(sequence.tenant for sequence in step.admitted)
        result = StepResult(step.plan.step, pack([7] * len(step.sampling)), 0.0)
        self.scheduler.update(step, result)

    def lines(self) -> int:
        return sum(len(found.lines) for found in self.scheduler.shares.classes.values())


def test_work_is_shared_by_weight_whatever_requests_look_like() -> None:
    bench = Bench(gold=3.0, silver=1.0)
    for _ in range(300):
        bench.ask("gold", num_prompt=5, max_tokens=40)
        bench.ask("silver", num_prompt=100, max_tokens=2)
    for _ in range(600):
        bench.step()
    bench.scheduler.check()
    assert bench.work["gold"] / bench.work["silver"] == pytest.approx(3.0, rel=0.05)


def test_who_sends_more_gets_no_more() -> None:
    bench = Bench()
    for _ in range(300):
        bench.ask("many")
    for _ in range(30):
        bench.ask("few")
    while "few" in {s.tenant for s in bench.scheduler.waiting}:
        bench.step()
    assert bench.work["many"] / bench.work["few"] == pytest.approx(1.0, rel=0.1)


def test_a_newcomer_is_next_whatever_the_queue() -> None:
    bench = Bench(num_seqs=1)
    for _ in range(100):
        bench.ask("crowd")
    for _ in range(25):
        bench.step()
    bench.ask("newcomer")
    bench.ask("newcomer")
    num_before = len(bench.started)
    while bench.started.count("newcomer") < 2:
        bench.step()
    assert bench.started[num_before:] in (
        ["newcomer", "crowd", "newcomer"],
        ["crowd", "newcomer", "crowd", "newcomer"],
    )


def test_nobody_saves_up_while_he_asks_for_nothing() -> None:
    bench = Bench(num_seqs=1)
    bench.ask("idler")
    for _ in range(200):
        bench.ask("busy")
    for _ in range(500):
        bench.step()
    for _ in range(20):
        bench.ask("idler")
    before = len(bench.started)
    for _ in range(200):
        bench.step()
    share = Counter(bench.started[before:])
    assert abs(share["idler"] - share["busy"]) <= 1


def test_who_was_served_is_not_forgotten_between_two_requests() -> None:
    """One that asks for much, one request at a time, and one that asks for little."""
    bench = Bench(num_seqs=1)
    for _ in range(1000):
        bench.ask("small", num_prompt=2, max_tokens=2)
    for _ in range(8):
        large = bench.ask("large", num_prompt=200, max_tokens=200)
        while large.num_output < 200:
            bench.step()
    assert bench.work["large"] / bench.work["small"] == pytest.approx(1.0, rel=0.15)


def test_priority_comes_first_and_each_class_is_shared_by_itself() -> None:
    bench = Bench(num_seqs=1, by_priority=True)
    for tenant in ("a", "a", "b"):
        bench.ask(tenant, priority=1)
    for tenant in ("a", "a", "b"):
        bench.ask(tenant, priority=0)
    while len(bench.started) < 6:
        bench.step()
    assert bench.started == ["a", "b", "a"] * 2


def test_blocks_are_taken_from_whom_most_was_done_for() -> None:
    """Not from who came last."""
    bench = Bench(num_blocks=24)
    for _ in range(3):
        bench.ask("greedy", num_prompt=30, max_tokens=200)
    for _ in range(20):
        bench.step()
    modest = bench.ask("modest", num_prompt=5, max_tokens=60)
    while modest.num_output < 60:
        bench.step()
        bench.scheduler.check()
    assert bench.scheduler.num_preemptions > 0
    assert modest.num_preemptions == 0


def test_tenants_that_are_gone_leave_nothing_behind() -> None:
    bench = Bench(num_seqs=2)
    for i in range(2000):
        bench.ask(f"tenant-{i}", max_tokens=1)
        bench.step()
    bench.ask("last")
    for _ in range(30):
        bench.ask("last", max_tokens=1)
        bench.step()
    assert bench.lines() < 20
    bench.scheduler.check()


def test_alone_again_there_is_nothing_to_decide() -> None:
    bench = Bench()
    bench.ask("guest", max_tokens=3)
    bench.ask("owner", max_tokens=100)
    assert bench.scheduler.shares.is_shared
    for _ in range(60):
        bench.ask("owner", max_tokens=2)
        bench.step()
    assert not bench.scheduler.shares.is_shared
    assert bench.scheduler.shares.only is not None


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.sampled_from("abcd"), st.sampled_from([0.5, 1, 2, 5]), min_size=2),
       st.lists(st.tuples(st.integers(1, 200), st.integers(1, 60)), min_size=4, max_size=4),
       st.integers(1, 8))  # fmt: skip
def test_no_two_who_always_wait_are_far_apart(
    weights: dict[str, float], shapes: list[tuple[int, int]], num_seqs: int
) -> None:
    """What was done for each, divided by its weight, differs by no more than all slots can hold at once."""
    bench = Bench(num_seqs=num_seqs, **weights)
    shape = dict(zip("abcd", shapes, strict=True))
    bound = (num_seqs + 1) * max(p + 2 * t for p, t in shapes) / min(weights.values())
    for _ in range(100):
        for tenant in weights:
            while bench.num_waiting[tenant] < 300:  # a step has room for 256
                bench.ask(tenant, *shape[tenant])
        bench.step()
        levels = [bench.work[tenant] / weight for tenant, weight in weights.items()]
        assert max(levels) - min(levels) <= bound
    bench.scheduler.check()
