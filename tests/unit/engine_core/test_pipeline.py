"""Plans in flight when workers die: who is blamed."""

from types import SimpleNamespace
from typing import Any

from penstock.engine_core.admission import SchedulerConfig
from penstock.engine_core.pacing import Pacer
from penstock.engine_core.pipeline import Pipeline
from penstock.engine_core.scheduler import Scheduler
from penstock.engine_core.sequence import Sequence
from penstock.engine_core.stats import EngineMetrics
from penstock.engine_core.worker_group import Phase
from penstock.protocol.sampling import SamplingParams

CONFIG = SchedulerConfig(
    num_blocks=16,
    block_size=4,
    max_num_seqs=4,
    max_num_batched_tokens=16,
    max_model_len=60,
    max_queued_requests=100,
    max_queued_tokens=10_000,
)
PARAMS = SamplingParams(max_tokens=5)


def pipeline() -> Pipeline:
    workers: Any = SimpleNamespace(phase=Phase.SERVING, submit=lambda plan, now: None)
    return Pipeline(Scheduler(CONFIG), workers, EngineMetrics(), depth=2, pacer=Pacer(2.0))


def test_the_only_suspect_on_board_is_guilty_unless_it_is_gone_already() -> None:
    for is_gone in (False, True):
        line = pipeline()
        suspect = Sequence(1, [1, 2], PARAMS, num_crashes=2)
        bystander = Sequence(2, [3, 4], PARAMS)
        for sequence in (suspect, bystander):
            assert line.scheduler.add(sequence) is None
        line.fill(now=0.0)
        if is_gone:
            line.scheduler.drop(suspect)
        guilty = [sequence for sequence, _ in line.recover()]
        assert guilty == ([] if is_gone else [suspect])
        assert bystander.num_crashes == 1
