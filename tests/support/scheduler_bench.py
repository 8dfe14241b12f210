"""A scheduler over a paper worker, moved by hand. Knows no rules."""

from typing import Any

from penstock.engine_core.admission import SchedulerConfig
from penstock.engine_core.outputs import Output
from penstock.engine_core.plan_draft import ScheduledStep
from penstock.engine_core.scheduler import Scheduler
from penstock.engine_core.sequence import Sequence
from penstock.protocol.sampling import SamplingParams
from penstock.protocol.token_ids import unpack
from support.paper_worker import PaperWorker

BASE = SchedulerConfig(
    num_blocks=16,
    block_size=4,
    max_num_seqs=4,
    max_num_batched_tokens=16,
    max_model_len=60,
    max_queued_requests=100,
    max_queued_tokens=10_000,
)


class Bench:
    """`step` plans and finishes at once; `plan` leaves the plan in flight."""

    def __init__(self, **changes: Any) -> None:
        values = {name: getattr(BASE, name) for name in BASE.__struct_fields__}
        self.config = SchedulerConfig(**{**values, **changes})
        self.scheduler = Scheduler(self.config)
        self.num_requests = 0
        self.new_worker()

    def new_worker(self) -> None:
        config = self.config
        self.worker = PaperWorker(
            config.num_blocks,
            config.block_size,
            config.max_num_seqs,
            config.max_num_batched_tokens,
            config.num_host_blocks,
        )

    def add(self, prompt: list[int], max_tokens: int = 5, **fields: Any) -> Sequence:
        self.num_requests += 1
        params = fields.pop("params", SamplingParams(max_tokens=max_tokens))
        sequence = Sequence(self.num_requests, prompt, params, **fields)
        answer = self.scheduler.add(sequence)
        assert answer is None
        return sequence

    def plan(self) -> tuple[ScheduledStep, Any]:
        step = self.scheduler.schedule()
        assert step is not None
        return step, self.worker.execute(step.plan)

    def step(self) -> list[Output]:
        outputs = self.scheduler.update(*self.plan())
        self.scheduler.check()
        return outputs

    def finish(self) -> dict[int, list[int]]:
        """Tokens of each request, until nothing runs."""
        tokens: dict[int, list[int]] = {}
        while self.scheduler.running or self.scheduler.waiting:
            for sequence, delta in self.step():
                tokens.setdefault(sequence.id, []).extend(unpack(delta.token_ids))
        return tokens


def rows(step: ScheduledStep) -> list[tuple[int, int]]:
    return [(s.id, count) for s, count in zip(step.rows, unpack(step.plan.counts), strict=True)]
