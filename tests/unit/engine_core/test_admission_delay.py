"""Prompts that wait beside running streams: for how long, and never where nothing runs."""

from types import SimpleNamespace
from typing import Any

import pytest

from penstock.engine_core.admission import SchedulerConfig
from penstock.engine_core.pacing import Pacer
from penstock.engine_core.pipeline import Pipeline
from penstock.engine_core.scheduler import Scheduler
from penstock.engine_core.sequence import Sequence, State
from penstock.engine_core.stats import EngineMetrics
from penstock.engine_core.worker_group import Phase
from penstock.protocol.plan import StepPlan, StepResult
from penstock.protocol.sampling import SamplingParams
from penstock.protocol.token_ids import pack

PROMPT_S = 2.0


class Bench:
    """A pipeline whose prompts take PROMPT_S a step, under a clock that the test moves."""

    def __init__(self, factor: float) -> None:
        config = SchedulerConfig(
            num_blocks=64, block_size=4, max_num_seqs=4, max_num_batched_tokens=32,
            max_model_len=200, max_queued_requests=100, max_queued_tokens=10_000,
            delay_factor=factor,
        )  # fmt: skip
        workers: Any = SimpleNamespace(phase=Phase.SERVING, submit=self._submit)
        self.scheduler = Scheduler(config)
        self.line = Pipeline(self.scheduler, workers, EngineMetrics(), depth=1, pacer=Pacer(0.0))
        self._plans: list[StepPlan] = []

    def _submit(self, plan: StepPlan, now: float) -> None:
        self._plans.append(plan)

    def arrive(self, request_id: int, now: float, max_tokens: int = 100) -> Sequence:
        params = SamplingParams(max_tokens=max_tokens)
        sequence = Sequence(request_id, [request_id, 2, 3, 4, 5], params)
        sequence.arrived_at = now
        assert self.scheduler.add(sequence) is None
        return sequence

    def step(self, now: float) -> None:
        self.line.fill(now)
        plan = self._plans.pop()
        num_running = len(self.scheduler.running)
        self.line.finish(StepResult(plan.step, pack([9] * num_running), PROMPT_S), now)


@pytest.mark.parametrize(("factor", "waits_s"), [(0.0, 0.0), (0.5, 1.0), (3.0, 6.0)])
def test_a_prompt_waits_so_many_times_the_last_prompts_step(factor: float, waits_s: float) -> None:
    bench = Bench(factor)
    bench.arrive(1, now=0.0)
    bench.step(now=0.0)
    second, third = bench.arrive(2, now=10.0), None
    if waits_s:
        bench.step(now=10.0 + waits_s - 0.01)
        assert second.state is State.WAITING
        third = bench.arrive(3, now=10.0 + waits_s - 0.01)
    bench.step(now=10.0 + waits_s)
    assert second.state is State.RUNNING
    assert third is None or third.state is State.RUNNING, "it starts with the one that waited"


def test_where_nothing_runs_a_prompt_starts_at_once() -> None:
    bench = Bench(factor=100.0)
    bench.arrive(1, now=0.0, max_tokens=2)
    bench.step(now=0.0)
    second = bench.arrive(2, now=0.1)
    bench.step(now=0.1)
    assert second.state is State.WAITING
    bench.step(now=0.1)
    assert second.state is State.RUNNING
