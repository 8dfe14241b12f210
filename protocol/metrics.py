"""Counts and times, and how they travel between processes. Knows no exposition format and no owner of a number.

A series is known by its key: the family's name, then its label values in the catalogue's order, joined by
tabs, e.g. "http_requests_total\\t/v1/models\\tGET\\t2xx". Snapshots travel as msgpack (`encode`, `decode`).
The labels `model_name` and `engine` are the renderer's to add, never part of a key.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec

from penstock.protocol.codec import UNDECODABLE
from penstock.protocol.errors import WireError
from penstock.protocol.metric_names import CATALOGUE, Family, Kind

SEPARATOR = "\t"
OVERFLOW = "other"
"""The label value that takes in all series beyond a family's bound."""
MAX_SERIES = 256
"""Most label sets of one family in one process."""

S = TypeVar("S")


class HistogramData(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`counts[i]` observations fell at or below the family's bucket i and above the one before; the
    last count is of those above all buckets. A summary has the last count alone."""

    counts: list[int]
    sum: float


class Snapshot(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """All numbers of one process, or the `merge` of several."""

    counters: dict[str, float] = {}
    histograms: dict[str, HistogramData] = {}
    gauges: dict[str, float] = {}

    def retired(self) -> "Snapshot":
        """What remains of a process that is gone: totals stay, so that no counter ever falls; gauges do not."""
        return Snapshot(self.counters, self.histograms, {})


def encode(snapshot: Snapshot) -> bytes:
    return msgspec.msgpack.encode(snapshot)


def decode(data: bytes) -> Snapshot:
    """Raises WireError on bytes that are no Snapshot."""
    try:
        return msgspec.msgpack.decode(data, type=Snapshot)
    except UNDECODABLE as error:
        raise WireError(f"metrics of {len(data)} bytes do not decode: {error}") from error


def merge(snapshots: Iterable[Snapshot]) -> Snapshot:
    """Adds everything up. A gauge that is a ratio has one owner, so that its sum is its value."""
    total = Snapshot({}, {}, {})
    for snapshot in snapshots:
        _add(total.counters, snapshot.counters)
        _add(total.gauges, snapshot.gauges)
        for key, data in snapshot.histograms.items():
            total.histograms[key] = _sum(total.histograms.get(key), data)
    return total


def _add(total: dict[str, float], part: Mapping[str, float]) -> None:
    for key, value in part.items():
        total[key] = total.get(key, 0.0) + value


def _sum(total: HistogramData | None, part: HistogramData) -> HistogramData:
    if total is None:
        return part
    if len(total.counts) != len(part.counts):
        return total  # a peer of another version, whose buckets differ
    counts = [a + b for a, b in zip(total.counts, part.counts, strict=True)]
    return HistogramData(counts, total.sum + part.sum)


def series_key(name: str, values: Sequence[str]) -> str:
    return SEPARATOR.join([name, *(value.replace(SEPARATOR, " ") for value in values)])


def split_key(key: str) -> tuple[str, list[str]]:
    """The inverse of `series_key`."""
    name, *values = key.split(SEPARATOR)
    return name, values


class Counter:
    """One series that only rises."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def inc(self, value: float = 1) -> None:
        self.value += value


class Gauge:
    """One series that is set."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def set(self, value: float) -> None:
        self.value = value

    def add(self, value: float) -> None:
        self.value += value


class Histogram:
    """One distribution; `observe` is for hot paths (under a microsecond)."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float, times: int = 1) -> None:
        self._counts[bisect_left(self._bounds, value)] += times
        self._sum += value * times

    def data(self) -> HistogramData:
        return HistogramData(self._counts.copy(), self._sum)


class Registry:
    """The numbers of this process. Passed in, never global; a bounded number of series per family.

    `counter`, `gauge` and `histogram` return handles to keep; `inc`, `set` and `observe` look them up.
    """

    def __init__(self) -> None:
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._histograms: dict[str, Histogram] = {}
        self._num_series = dict.fromkeys(CATALOGUE, 0)

    def counter(self, name: str, /, **labels: str) -> Counter:
        family = _family(name, Kind.COUNTER)
        return self._open(self._counters, family, labels, Counter())

    def gauge(self, name: str, /, **labels: str) -> Gauge:
        family = _family(name, Kind.GAUGE)
        return self._open(self._gauges, family, labels, Gauge())

    def histogram(self, name: str, /, **labels: str) -> Histogram:
        family = _family(name, Kind.HISTOGRAM, Kind.SUMMARY)
        return self._open(self._histograms, family, labels, Histogram(family.buckets))

    def inc(self, name: str, value: float = 1, /, **labels: str) -> None:
        self.counter(name, **labels).inc(value)

    def set(self, name: str, value: float, /, **labels: str) -> None:
        self.gauge(name, **labels).set(value)

    def observe(self, name: str, value: float, /, **labels: str) -> None:
        self.histogram(name, **labels).observe(value)

    def snapshot(self) -> Snapshot:
        return Snapshot(
            {key: counter.value for key, counter in self._counters.items()},
            {key: histogram.data() for key, histogram in self._histograms.items()},
            {key: gauge.value for key, gauge in self._gauges.items()},
        )

    def _open(self, held: dict[str, S], family: Family, labels: dict[str, str], fresh: S) -> S:
        assert labels.keys() == frozenset(family.labels), (
            f"{family.name} has labels {family.labels}"
        )
        key = series_key(family.name, [labels[label] for label in family.labels])
        if key not in held and self._num_series[family.name] >= MAX_SERIES:
            key = series_key(family.name, [OVERFLOW] * len(family.labels))
        if key not in held:
            held[key] = fresh
            self._num_series[family.name] += 1
        return held[key]


def _family(name: str, *kinds: Kind) -> Family:
    family = CATALOGUE[name]
    assert family.kind in kinds, f"{name} is a {family.kind}"
    return family
