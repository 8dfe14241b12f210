"""Microseconds of schedule + update for n decoding rows. Run by hand: python tests/bench/scheduler_step.py."""

import statistics
import time

from penstock.engine_core.admission import SchedulerConfig
from penstock.engine_core.scheduler import Scheduler
from penstock.engine_core.sequence import Sequence
from penstock.protocol.plan import StepResult
from penstock.protocol.sampling import SamplingParams
from penstock.protocol.token_ids import pack

NUM_STEPS = 600


def step_us(num_rows: int, depth: int, num_tenants: int) -> tuple[float, float]:
    """Median and 99th percentile of one schedule and one update, with `depth` plans in flight."""
    config = SchedulerConfig(
        num_blocks=100_000,
        block_size=16,
        max_num_seqs=num_rows,
        max_num_batched_tokens=8192,
        max_model_len=4096,
        max_queued_requests=1024,
        max_queued_tokens=10**6,
    )
    scheduler = Scheduler(config)
    params = SamplingParams(max_tokens=4000, eos_token_ids=(1, 2))
    for i in range(num_rows):
        tenant = str(i % num_tenants)
        scheduler.add(Sequence(i, [i + 5] * (20 + i % 16), params, tenant=tenant))
    times, in_flight = [], []
    for _ in range(NUM_STEPS):
        begun = time.perf_counter()
        while len(in_flight) < depth and (step := scheduler.schedule()):
            in_flight.append(step)
        step = in_flight.pop(0)
        scheduled = time.perf_counter() - begun
        result = StepResult(step.plan.step, pack([77] * len(step.sampling)), 0.0)
        begun = time.perf_counter()
        scheduler.update(step, result)
        times.append(1e6 * (scheduled + time.perf_counter() - begun))
    times = sorted(times[50:])
    return statistics.median(times), times[int(0.99 * len(times))]


if __name__ == "__main__":
    for depth, num_tenants in ((1, 1), (2, 1), (2, 4)):
        for num_rows in (1, 8, 64, 256):
            median, p99 = step_us(num_rows, depth, num_tenants)
            print(
                f"{depth} in flight, {num_tenants} tenants, {num_rows:4d} rows: "
                f"median {median:7.1f} us, p99 {p99:7.1f} us"
            )
