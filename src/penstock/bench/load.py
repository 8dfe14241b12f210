"""Sends samples at their times, so many at once, and collects what happened. Knows no HTTP and no statistics."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext

from penstock.bench.records import Record, Run
from penstock.bench.samples import Sample

Send = Callable[[Sample], Awaitable[Record]]


async def run_load(
    send: Send,
    samples: Sequence[Sample],
    offsets_s: Sequence[float],
    max_concurrency: int | None,
    tell: Callable[[Record], None],
) -> Run:
    """Returns when every sample was answered or failed. `tell` hears of each as it ends."""
    gate: AbstractAsyncContextManager[object] = (
        asyncio.Semaphore(max_concurrency) if max_concurrency else nullcontext()
    )

    async def one(sample: Sample) -> Record:
        async with gate:
            record = await send(sample)
        tell(record)
        return record

    cpu, started = time.process_time(), time.perf_counter()
    async with asyncio.TaskGroup() as group:
        tasks = []
        for sample, offset in zip(samples, offsets_s, strict=True):
            await _until(started + offset)
            tasks.append(group.create_task(one(sample)))
    duration_s, cpu_s = time.perf_counter() - started, time.process_time() - cpu
    return Run([task.result() for task in tasks], started, duration_s, cpu_s)


async def _until(moment: float) -> None:
    delay = moment - time.perf_counter()
    if delay > 0:
        await asyncio.sleep(delay)
