"""Percentiles, latencies and goodput against the obvious way to compute them."""

import random

import numpy as np
import pytest

from penstock.bench import metrics
from penstock.bench.arrivals import offsets_s
from penstock.bench.records import Record, Run
from penstock.bench.spread import percentile, spread
from penstock.bench.timeline import timeline
from penstock.protocol.errors import SettingsError


def record(rng: random.Random, *, error: str | None = None) -> Record:
    started = rng.uniform(0, 5)
    times, now = [], started
    for _ in range(rng.randint(1, 20)):
        now += rng.expovariate(20)
        times.append(now)
    merged = rng.randint(0, 3)  # tokens that came in the same chunk as another
    return Record(started, rng.randint(1, 50), 10, times, len(times) + merged, True, error)


def some_run(seed: int) -> Run:
    rng = random.Random(seed)
    records = [record(rng, error="no" if rng.random() < 0.2 else None) for _ in range(40)]
    ends = [r.times[-1] for r in records]
    return Run(records, 0.0, max(ends), client_cpu_s=0.5)


@pytest.mark.parametrize("seed", range(5))
def test_spreads_are_numpys(seed: int) -> None:
    rng = random.Random(seed)
    values = [rng.expovariate(1) for _ in range(rng.randint(1, 50))]
    found = spread(values)
    assert found is not None
    assert found.mean == pytest.approx(np.mean(values))
    assert found.median == pytest.approx(np.median(values))
    assert found.std == pytest.approx(np.std(values))
    for percent in (0, 1, 25, 50, 99, 99.9, 100):
        assert found.percentile(percent) == pytest.approx(np.percentile(values, percent))


def test_nothing_has_no_spread() -> None:
    assert spread([]) is None
    assert percentile([3.0], 99) == 3.0


@pytest.mark.parametrize("seed", range(5))
def test_a_summary_adds_up(seed: int) -> None:
    run = some_run(seed)
    good = [r for r in run.records if r.error is None]
    found = metrics.summarize(run, None)
    assert (found.completed, found.failed) == (len(good), len(run.records) - len(good))
    assert found.num_output_tokens == sum(r.num_output_tokens for r in good)
    ttfts = [1e3 * (r.times[0] - r.started) for r in good]
    assert found.spreads["ttft"].mean == pytest.approx(np.mean(ttfts))
    gaps = [1e3 * gap for r in good for gap in np.diff(r.times)]
    assert found.spreads["itl"].median == pytest.approx(np.median(gaps))
    tpots = [
        1e3 * (r.times[-1] - r.times[0]) / (r.num_output_tokens - 1)
        for r in good
        if r.num_output_tokens > 1
    ]
    assert found.spreads["tpot"].mean == pytest.approx(np.mean(tpots))
    assert found.num_within_bounds is None


@pytest.mark.parametrize("seed", range(5))
def test_goodput_counts_those_within_every_bound(seed: int) -> None:
    run = some_run(seed)
    bounds = metrics.parse_goodput(["ttft:60", "tpot:55", "e2el:900"])
    expected = 0
    for r in run.records:
        if r.error is not None:
            continue
        is_good = r.times[0] - r.started <= 0.060 and r.times[-1] - r.started <= 0.900
        if r.num_output_tokens > 1:
            is_good &= (r.times[-1] - r.times[0]) / (r.num_output_tokens - 1) <= 0.055
        expected += is_good
    assert metrics.summarize(run, bounds).num_within_bounds == expected


def test_an_answer_of_one_token_has_no_time_per_token() -> None:
    one = Record(0.0, 5, 1, [0.5], 1, True)
    found = metrics.summarize(Run([one], 0.0, 1.0, 0.1), {"tpot": 1.0})
    assert "tpot" not in found.spreads
    assert found.num_within_bounds == 1


@pytest.mark.parametrize("seed", range(3))
def test_most_at_once_is_the_fullest_moment(seed: int) -> None:
    good = some_run(seed).good
    moments = [r.started for r in good]
    expected = max(sum(r.started <= m < r.times[-1] for r in good) for m in moments)
    assert metrics.max_concurrent(good) == expected


@pytest.mark.parametrize("seed", range(3))
def test_a_timeline_loses_no_token(seed: int) -> None:
    run = some_run(seed)
    found = timeline(run.good, run.started, run.duration_s)
    assert sum(found.output_tokens) == pytest.approx(sum(r.num_output_tokens for r in run.good))
    assert len(found.output_tokens) <= 121


def test_answers_that_end_early_or_uncounted_are_told() -> None:
    short = Record(0.0, 5, 10, [0.5, 0.6], 2, True)
    uncounted = Record(0.0, 5, 2, [0.5, 0.6], 2, False)
    found = metrics.summarize(Run([short, uncounted], 0.0, 1.0, 0.1), None)
    assert (found.num_short, found.num_uncounted) == (1, 1)


@pytest.mark.parametrize(
    ("items", "named"),
    [
        (["ttft"], "--goodput ttft: expected KEY:VALUE"),
        (["itl:3"], "--goodput itl: expected one of ttft, tpot, e2el"),
        (["ttft:fast"], "--goodput fast: expected a number"),
        (["ttft:-1"], "at least 0"),
    ],
)
def test_a_bad_goodput_is_named(items: list[str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        metrics.parse_goodput(items)


def test_bad_metrics_and_percentiles_are_named() -> None:
    assert metrics.parse_metrics("ttft, itl") == ["ttft", "itl"]
    with pytest.raises(SettingsError, match="latency: expected one of ttft, tpot, itl, e2el"):
        metrics.parse_metrics("latency")
    assert metrics.parse_percentiles("50,99.9") == [50, 99.9]
    with pytest.raises(SettingsError, match="101: must be between 0 and 100"):
        metrics.parse_percentiles("101")


@pytest.mark.parametrize("burstiness", [0.5, 1.0, 4.0])
def test_arrivals_keep_rate_and_burstiness(burstiness: float) -> None:
    offsets = offsets_s(20_000, rate=50, burstiness=burstiness, seed=1)
    gaps = np.diff(offsets)
    assert offsets[0] == 0
    assert np.mean(gaps) == pytest.approx(1 / 50, rel=0.05)
    # A gamma's squared coefficient of variation is 1 / shape.
    assert np.var(gaps) / np.mean(gaps) ** 2 == pytest.approx(1 / burstiness, rel=0.1)
    assert offsets == offsets_s(20_000, rate=50, burstiness=burstiness, seed=1)


def test_an_infinite_rate_sends_everything_at_once() -> None:
    assert offsets_s(3, float("inf"), 1.0, 0) == [0.0, 0.0, 0.0]
