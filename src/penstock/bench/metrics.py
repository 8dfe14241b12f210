"""From records to the measures everybody reports. Knows times, not how they are shown or kept.

ttft  time to the first output            tpot  time per output token after the first
itl   between two chunks of output        e2el  time to the last output
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from penstock.bench.command_line import pairs
from penstock.bench.records import Record, Run
from penstock.bench.spread import Spread, spread
from penstock.protocol.errors import SettingsError

Metric = Literal["ttft", "tpot", "itl", "e2el"]
METRICS: tuple[Metric, ...] = get_args(Metric)
PER_REQUEST: tuple[Metric, ...] = ("ttft", "tpot", "e2el")
NAMES: dict[Metric, str] = {
    "ttft": "Time to First Token",
    "tpot": "Time per Output Token (excl. 1st token)",
    "itl": "Inter-token Latency",
    "e2el": "End-to-end Latency",
}
Bounds = dict[Metric, float]
"""Milliseconds that a request may take and still count as good."""


@dataclass(frozen=True, slots=True)
class Summary:
    """One run in numbers; throughputs are per second over the whole run."""

    completed: int
    failed: int
    duration_s: float
    num_input_tokens: int
    num_output_tokens: int
    num_short: int
    """Answers that ended before the length that was asked for."""
    num_uncounted: int
    """Answers whose tokens the server did not tell: their chunks were counted."""
    num_within_bounds: int | None
    max_concurrent: int
    client_cpu_share: float
    """CPU time of the client over the run's duration; near 1 the client was the bottleneck."""
    spreads: dict[Metric, Spread]
    """Milliseconds; a metric without a value is not there."""

    def per_second(self, count: float) -> float:
        return count / self.duration_s


def summarize(run: Run, bounds: Bounds | None) -> Summary:
    """`bounds` None: nobody asked for goodput."""
    good = run.good
    values = {metric: values_ms(good, metric) for metric in METRICS}
    return Summary(
        completed=len(good),
        failed=len(run.records) - len(good),
        duration_s=run.duration_s,
        num_input_tokens=sum(record.num_input_tokens for record in good),
        num_output_tokens=sum(record.num_output_tokens for record in good),
        num_short=sum(
            record.num_output_tokens < (record.wanted_output_tokens or 0) for record in good
        ),
        num_uncounted=sum(not record.counted for record in good),
        num_within_bounds=sum(is_within(record, bounds) for record in good) if bounds else None,
        max_concurrent=max_concurrent(good),
        client_cpu_share=run.client_cpu_s / run.duration_s,
        spreads={m: found for m in METRICS if (found := spread(values[m]))},
    )


def values_ms(records: Sequence[Record], metric: Metric) -> list[float]:
    """One value for each request, for `itl` one for each pair of chunks."""
    return [1e3 * value for record in records for value in _values_s(record, metric)]


def _values_s(record: Record, metric: Metric) -> list[float]:
    match metric:
        case "ttft":
            return [record.ttft_s]
        case "tpot":
            tpot = record.tpot_s
            return [] if tpot is None else [tpot]
        case "itl":
            return record.itls_s
        case "e2el":
            return [record.e2el_s]


def is_within(record: Record, bounds: Bounds) -> bool:
    """An answer of one token has no time per output token, and so none that is too long."""
    return all(
        1e3 * value <= bound
        for metric, bound in bounds.items()
        for value in _values_s(record, metric)
    )


def max_concurrent(records: Sequence[Record]) -> int:
    """Most requests that were open at one time."""
    moments = [(record.started, 1) for record in records]
    moments += [(record.times[-1], -1) for record in records]
    most = now_open = 0
    for _, change in sorted(moments):
        now_open += change
        most = max(most, now_open)
    return most


def parse_goodput(items: Sequence[str]) -> Bounds | None:
    """'ttft:200' words. Raises SettingsError."""
    bounds: Bounds = {}
    for name, text in pairs("--goodput", items, ":").items():
        bounds[_metric("--goodput", name, PER_REQUEST)] = bound = _number("--goodput", text)
        if bound < 0:
            raise SettingsError(f"--goodput {name}:{text}: milliseconds must be at least 0")
    return bounds or None


def parse_metrics(text: str) -> list[Metric]:
    """'ttft,tpot'. Raises SettingsError."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    return [_metric("--percentile-metrics", name, METRICS) for name in names]


def parse_percentiles(text: str) -> list[float]:
    """'50,99.9'. Raises SettingsError."""
    found = [_number("--metric-percentiles", part) for part in text.split(",")]
    for percent in found:
        if not 0 <= percent <= 100:
            raise SettingsError(f"--metric-percentiles {percent:g}: must be between 0 and 100")
    return found


def _metric(flag: str, name: str, known: Sequence[Metric]) -> Metric:
    for metric in known:
        if name == metric:
            return metric
    raise SettingsError(f"{flag} {name}: expected one of {', '.join(known)}")


def _number(flag: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise SettingsError(f"{flag} {text}: expected a number") from error
