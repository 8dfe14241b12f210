"""Turns a metrics Snapshot into Prometheus' text. Knows the catalogue, not how the numbers came about.

Counters and histograms show from zero on, gauges once someone set them. While no engine answers, a front
end shows its own numbers under a `frontend` label: as series of their own, they are no fall of the sums.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import Any, NamedTuple, Protocol

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.utils import floatToGoString

from penstock.frontend.engine import RefusedError
from penstock.protocol import metrics
from penstock.protocol.errors import EngineGoneError, WireError
from penstock.protocol.messages import ControlVerb
from penstock.protocol.metric_names import CATALOGUE, Family, Kind
from penstock.protocol.metrics import HistogramData, Registry, Snapshot

CONTENT_TYPE = CONTENT_TYPE_LATEST
ANSWER_WITHIN_S = 2.0

Series = tuple[list[str], float | HistogramData]
"""Label values, and the number."""


class Engine(Protocol):
    """What a page needs of an EngineClient."""

    @property
    def frontend_id(self) -> str: ...

    async def control(self, verb: ControlVerb, payload: bytes, timeout_s: float) -> bytes: ...


class Common(NamedTuple):
    """Labels of every series of a page."""

    model_name: str
    frontend: str = ""
    """Whose numbers these are, when they are not everyone's."""


async def page(engine: Engine, registry: Registry, model_name: str) -> bytes:
    """Everyone's numbers where an engine answers, else this front end's own."""
    own = registry.snapshot()
    try:
        answer = await engine.control(ControlVerb.METRICS, metrics.encode(own), ANSWER_WITHIN_S)
        return render(metrics.decode(answer), Common(model_name))
    except (EngineGoneError, RefusedError, WireError):
        return render(own, Common(model_name, engine.frontend_id))


def render(snapshot: Snapshot, common: Common) -> bytes:
    """The text format, for the `CONTENT_TYPE` above."""
    snapshot.gauges["penstock:engine_up"] = 0.0 if common.frontend else 1.0
    return generate_latest(_Page(snapshot, common))


class _Page:
    """What prometheus_client calls a collector."""

    def __init__(self, snapshot: Snapshot, common: Common) -> None:
        self._common = common
        self._series: dict[str, list[Series]] = defaultdict(list)
        for numbers in (snapshot.counters, snapshot.gauges, snapshot.histograms):
            self._sort_in(numbers)

    def collect(self) -> Iterator[Metric]:
        for family in CATALOGUE.values():
            series = self._series.get(family.shows or family.name, [])
            series = series + self._from_zero(family, [values for values, _ in series])
            if series:
                yield self._metric(family, series)

    def _sort_in(self, numbers: Mapping[str, float] | Mapping[str, HistogramData]) -> None:
        for key, number in numbers.items():
            name, values = metrics.split_key(key)
            family = CATALOGUE.get(name)
            if family is not None and _fits(family, values, number):
                self._series[name].append((values, number))

    def _from_zero(self, family: Family, known: list[list[str]]) -> list[Series]:
        """Those that show before they are recorded, and have not been."""
        if self._common.frontend or family.kind is Kind.GAUGE:
            return []
        preset = family.preset if family.labels else ((),)
        return [([*values], _zero(family)) for values in preset if [*values] not in known]

    def _metric(self, family: Family, series: list[Series]) -> Metric:
        names, values = self._common_labels(family)
        metric: Metric = _KINDS[family.kind](
            family.name, family.help, labels=[*names, *family.labels]
        )
        for own_values, number in series:
            _add(metric, family, [*values, *own_values], number)
        return metric

    def _common_labels(self, family: Family) -> tuple[list[str], list[str]]:
        labels: dict[str, str] = {}
        if family.of_model:
            labels |= {"model_name": self._common.model_name, "engine": "0"}
        if self._common.frontend:
            labels |= {"frontend": self._common.frontend}
        return list(labels), list(labels.values())


_KINDS: dict[Kind, Any] = {
    Kind.COUNTER: CounterMetricFamily,
    Kind.GAUGE: GaugeMetricFamily,
    Kind.HISTOGRAM: HistogramMetricFamily,
    Kind.SUMMARY: SummaryMetricFamily,
}


def _fits(family: Family, values: list[str], number: float | HistogramData) -> bool:
    """A peer of another version may know other labels and buckets."""
    if len(values) != len(family.labels):
        return False
    return not isinstance(number, HistogramData) or len(number.counts) == len(family.buckets) + 1


def _zero(family: Family) -> float | HistogramData:
    if family.kind in (Kind.COUNTER, Kind.GAUGE):
        return 0.0
    return HistogramData([0] * (len(family.buckets) + 1), 0.0)


def _add(metric: Any, family: Family, values: list[str], number: float | HistogramData) -> None:
    if not isinstance(number, HistogramData):
        metric.add_metric(values, number)
    elif family.kind is Kind.SUMMARY:
        metric.add_metric(values, count_value=sum(number.counts), sum_value=number.sum)
    else:
        bounds = [*map(floatToGoString, family.buckets), "+Inf"]
        metric.add_metric(
            values, list(zip(bounds, accumulate(number.counts), strict=True)), number.sum
        )
