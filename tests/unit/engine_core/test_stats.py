"""Rates over the last seconds, and the times of a request."""

import pytest

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


def test_compiled_constraints_are_counted_by_their_outcome_and_timed() -> None:
    metrics = EngineMetrics()
    for message in (Prepared(1, "", 100, 0.02), Prepared(2, "nothing satisfies it", 0, 0.2)):
        metrics.prepared(message)
    found = metrics.registry.snapshot()
    name = "penstock:constraint_compilations_total"
    assert (found.counters[f"{name}\tok"], found.counters[f"{name}\trefused"]) == (1, 1)
    assert found.histograms["penstock:constraint_compile_seconds"].sum == pytest.approx(0.22)
