"""Rates over the last seconds, and the times of a request."""

import pytest
from support.scheduler_bench import Bench

from penstock.engine_core.stats import WINDOW_S, EngineMetrics, RecentRate
from penstock.protocol.plan import Prepared


def test_a_rate_follows_what_came_lately_and_forgets() -> None:
    rate, now = RecentRate(), 1000.0
    for _ in range(100):
        rate.add(0.05, now)
        now += 0.1
    assert rate.per_s(now) == pytest.approx(0.5, abs=0.02)
    assert rate.per_s(now + 2 * WINDOW_S) == 0.0


def test_being_busy_is_never_more_than_all_of_the_time() -> None:
    metrics = EngineMetrics()
    assert metrics.busy(50.0) == 0.0
    metrics._busy.add(100.0, 50.0)
    assert metrics.busy(50.5) == 1.0


def test_what_was_swapped_and_recomputed_shows() -> None:
    bench, metrics = Bench(num_blocks=8, max_model_len=32, num_host_blocks=3), EngineMetrics()
    for token in (1, 2):
        bench.add([token] * 11, max_tokens=20)
    while not bench.scheduler.num_preemptions:
        bench.step()
    metrics.update_scheduler(bench.scheduler)
    found = metrics.registry.snapshot()
    assert (
        found.gauges["vllm:num_requests_swapped"] == found.gauges["vllm:cpu_cache_usage_perc"] == 1
    )
    bench.finish()
    metrics.update_scheduler(bench.scheduler)
    found, cache = metrics.registry.snapshot(), bench.scheduler.cache
    counts = [cache.num_recomputed_tokens, cache.swap.num_restored_tokens, cache.swap.num_copied_in]
    names = ("recomputed_tokens", "restored_tokens", "swapped_in_blocks")
    assert [found.counters[f"penstock:{name}_total"] for name in names] == counts
    assert found.counters["penstock:swapped_out_blocks_total"] == cache.swap.num_copied_out > 0
    assert (
        found.gauges["vllm:num_requests_swapped"] == found.gauges["vllm:cpu_cache_usage_perc"] == 0
    )


def test_compiled_constraints_are_counted_by_their_outcome_and_timed() -> None:
    metrics = EngineMetrics()
    for message in (Prepared(1, "", 100, 0.02), Prepared(2, "nothing satisfies it", 0, 0.2)):
        metrics.prepared(message)
    found = metrics.registry.snapshot()
    name = "penstock:constraint_compilations_total"
    assert (found.counters[f"{name}\tok"], found.counters[f"{name}\trefused"]) == (1, 1)
    assert found.histograms["penstock:constraint_compile_seconds"].sum == pytest.approx(0.22)
