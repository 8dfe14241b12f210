"""Metrics: one catalogue, bounded series, sums that lose nothing, bytes that are checked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.protocol import metrics
from penstock.protocol.errors import WireError
from penstock.protocol.metric_names import CATALOGUE, Family, Kind
from penstock.protocol.metrics import MAX_SERIES, HistogramData, Registry, Snapshot
from penstock.protocol.process_meter import Owner, ProcessMeter

LATENCY = "vllm:e2e_request_latency_seconds"
REQUESTS = "http_requests_total"


def test_observations_fall_at_or_below_their_bucket() -> None:
    registry = Registry()
    histogram = registry.histogram(LATENCY)
    for seconds in (0.1, 0.3, 0.31, 1e6):
        histogram.observe(seconds)
    histogram.observe(0.4, times=2)
    data = registry.snapshot().histograms[LATENCY]
    assert data.counts[:3] == [2, 3, 0]
    assert data.counts[-1] == 1
    assert sum(data.counts) == 6
    assert data.sum == pytest.approx(0.1 + 0.3 + 0.31 + 1e6 + 0.8)


def test_handles_and_names_reach_the_same_series() -> None:
    registry = Registry()
    handle = registry.counter(REQUESTS, method="GET", status="2xx", handler="/")
    handle.inc()
    registry.inc(REQUESTS, 2, handler="/", status="2xx", method="GET")
    assert registry.snapshot().counters == {f"{REQUESTS}\t/\tGET\t2xx": 3.0}


def test_label_sets_are_bounded() -> None:
    registry = Registry()
    for i in range(2 * MAX_SERIES):
        registry.inc(REQUESTS, handler=f"/{i}", method="GET", status="2xx")
    counters = registry.snapshot().counters
    assert len(counters) == MAX_SERIES + 1
    assert counters[f"{REQUESTS}\tother\tother\tother"] == MAX_SERIES
    assert sum(counters.values()) == 2 * MAX_SERIES


def test_a_snapshot_stands_still() -> None:
    registry = Registry()
    registry.observe(LATENCY, 1)
    before = registry.snapshot()
    registry.observe(LATENCY, 1)
    assert sum(before.histograms[LATENCY].counts) == 1


@given(st.lists(st.text(), max_size=4))
def test_keys_split_again(values: list[str]) -> None:
    name, back = metrics.split_key(metrics.series_key(REQUESTS, values))
    assert name == REQUESTS
    assert back == [value.replace("\t", " ") for value in values]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 100)), max_size=50))
def test_merging_parts_is_recording_in_one(observations: list[tuple[int, int]]) -> None:
    parts, whole = [Registry() for _ in range(3)], Registry()
    for part, seconds in observations:
        for registry in (parts[part], whole):
            registry.observe(LATENCY, seconds)
            registry.inc("vllm:generation_tokens_total", seconds)
            registry.gauge("penstock:open_streams").add(1)
    assert metrics.merge(part.snapshot() for part in parts) == whole.snapshot()


def test_merging_leaves_its_parts_alone() -> None:
    registry = Registry()
    registry.observe(LATENCY, 1)
    part = registry.snapshot()
    metrics.merge([part, part])
    assert part == registry.snapshot()


def test_foreign_buckets_are_left_out() -> None:
    ours = Snapshot({}, {LATENCY: HistogramData([1, 1], 2.0)}, {})
    theirs = Snapshot({}, {LATENCY: HistogramData([1], 2.0)}, {})
    assert metrics.merge([ours, theirs]) == ours


def test_totals_outlive_their_process_and_gauges_do_not() -> None:
    gone = Snapshot({"a": 1.0}, {LATENCY: HistogramData([1], 1.0)}, {"b": 2.0}).retired()
    assert gone.counters
    assert gone.histograms
    assert not gone.gauges


def test_the_wire() -> None:
    registry = Registry()
    registry.observe(LATENCY, 1)
    registry.set("vllm:num_requests_running", 2)
    assert metrics.decode(metrics.encode(registry.snapshot())) == registry.snapshot()
    for nonsense in (b"\xc1", b"\x91\x81\xa1\xff\x01"):
        with pytest.raises(WireError):
            metrics.decode(nonsense)


@pytest.mark.parametrize("family", CATALOGUE.values(), ids=lambda family: family.name)
def test_catalogue(family: Family) -> None:
    assert family.help.endswith(".")
    assert list(family.buckets) == sorted(set(family.buckets))
    assert bool(family.buckets) == (family.kind is Kind.HISTOGRAM)
    assert (family.kind is Kind.COUNTER) <= family.name.endswith("_total")
    assert all(len(values) == len(family.labels) for values in family.preset)
    assert not family.shows or CATALOGUE[family.shows].kind is family.kind


def test_process_costs() -> None:
    registry = Registry()
    meter = ProcessMeter(registry, Owner.FRONTEND)
    meter.measure()
    snapshot = registry.snapshot()
    assert snapshot.counters["process_cpu_seconds_total\tapi-frontend"] > 0
    assert snapshot.gauges["process_resident_memory_bytes\tapi-frontend"] > 1 << 20
