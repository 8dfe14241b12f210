"""The /metrics page, read back with Prometheus' own parser."""

import asyncio

import pytest
from prometheus_client.parser import text_string_to_metric_families

from penstock.frontend.metrics import Common, page, render
from penstock.protocol import metrics
from penstock.protocol.errors import EngineGoneError
from penstock.protocol.messages import ControlVerb
from penstock.protocol.metric_names import CATALOGUE, Kind
from penstock.protocol.metrics import HistogramData, Registry, Snapshot

Sample = tuple[str, frozenset[tuple[str, str]]]
MODEL = {"model_name": "brook", "engine": "0"}


def read(text: bytes) -> dict[Sample, float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def sample(name: str, **labels: str) -> Sample:
    return name, frozenset(labels.items())


def test_counters_gauges_and_summaries() -> None:
    registry = Registry()
    registry.inc("http_requests_total", 3, handler="/v1/models", method="GET", status="2xx")
    registry.set("vllm:num_requests_running", 4)
    registry.observe("http_request_size_bytes", 10, handler="/v1/models")
    registry.observe("http_request_size_bytes", 20, handler="/v1/models")
    got = read(render(registry.snapshot(), Common("brook")))
    assert got[sample("http_requests_total", handler="/v1/models", method="GET", status="2xx")] == 3
    assert got[sample("vllm:num_requests_running", **MODEL)] == 4
    assert got[sample("http_request_size_bytes_count", handler="/v1/models")] == 2
    assert got[sample("http_request_size_bytes_sum", handler="/v1/models")] == 30
    assert got[sample("penstock:engine_up", **MODEL)] == 1


def test_histogram_is_cumulative_and_has_its_other_names() -> None:
    registry = Registry()
    for seconds in (0.2, 0.4, 1e9):
        registry.observe("vllm:e2e_request_latency_seconds", seconds)
    got = read(render(registry.snapshot(), Common("brook")))
    for name in ("vllm:e2e_request_latency_seconds", "vllm_request_duration_seconds"):
        assert got[sample(f"{name}_bucket", le="0.3", **MODEL)] == 1
        assert got[sample(f"{name}_bucket", le="0.5", **MODEL)] == 2
        assert got[sample(f"{name}_bucket", le="+Inf", **MODEL)] == 3
        assert got[sample(f"{name}_count", **MODEL)] == 3


def test_everything_but_gauges_shows_from_zero() -> None:
    families = {
        family.name
        for family in text_string_to_metric_families(
            render(Snapshot({}, {}, {}), Common("m")).decode()
        )
    }
    for family in CATALOGUE.values():
        if family.kind is not Kind.GAUGE and (family.preset or not family.labels):
            name = (
                family.name.removesuffix("_total") if family.kind is Kind.COUNTER else family.name
            )
            assert name in families


def test_a_counter_stays_at_zero_where_another_of_its_family_counts() -> None:
    registry = Registry()
    registry.inc("penstock:constraint_compilations_total", outcome="ok")
    got = read(render(registry.snapshot(), Common("brook")))
    outcomes = {
        outcome: got[sample("penstock:constraint_compilations_total", outcome=outcome, **MODEL)]
        for outcome in ("ok", "refused")
    }
    assert outcomes == {"ok": 1, "refused": 0}


def test_numbers_of_another_version_are_left_out() -> None:
    strange = Snapshot(
        {"unheard:of": 1.0, "http_requests_total\tone-label": 2.0},
        {"vllm:e2e_request_latency_seconds": HistogramData([1, 2], 3.0)},
        {},
    )
    got = read(render(strange, Common("brook")))
    assert got[sample("vllm:e2e_request_latency_seconds_count", **MODEL)] == 0
    assert not any(name == "http_requests_total" for name, _ in got)


class Engine:
    """Answers with everyone's numbers, or is gone."""

    frontend_id = "frontend-7"

    def __init__(self, everyone: Snapshot | None) -> None:
        self._everyone = everyone

    async def control(self, verb: ControlVerb, payload: bytes, timeout_s: float) -> bytes:
        assert verb is ControlVerb.METRICS
        if self._everyone is None:
            raise EngineGoneError("gone")
        return metrics.encode(metrics.merge([self._everyone, metrics.decode(payload)]))


@pytest.mark.parametrize("is_up", [True, False])
def test_page(is_up: bool) -> None:
    registry, other = Registry(), Registry()
    registry.inc("vllm:generation_tokens_total", 5)
    other.inc("vllm:generation_tokens_total", 7)
    engine = Engine(other.snapshot() if is_up else None)
    got = read(asyncio.run(page(engine, registry, "brook")))
    if is_up:
        assert got[sample("vllm:generation_tokens_total", **MODEL)] == 12
    else:
        assert got[sample("penstock:engine_up", frontend="frontend-7", **MODEL)] == 0
        assert got[sample("vllm:generation_tokens_total", frontend="frontend-7", **MODEL)] == 5
