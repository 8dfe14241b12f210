"""A run as text for people. Knows names and columns, not how the numbers came about."""

from collections.abc import Iterator, Sequence

from penstock.bench.metrics import NAMES, Metric, Summary
from penstock.bench.records import Run
from penstock.bench.result import Json

WIDTH = 50
BUSY_CLIENT = 0.7
"""From this share of one core on, the client's own delays show in what it measures."""


def report(
    summary: Summary, result: Json, shown: Sequence[Metric], percents: Sequence[float]
) -> str:
    """The block that is printed at the end."""
    lines = [_title(" Serving Benchmark Result ", "="), *_totals(summary, result)]
    for metric in shown:
        lines.append(_title(f" {NAMES[metric]} ", "-"))
        lines += _spread(summary, metric, percents)
    return "\n".join([*lines, "=" * WIDTH])


def _totals(summary: Summary, result: Json) -> Iterator[str]:
    yield _line("Successful requests", summary.completed)
    yield _line("Failed requests", summary.failed)
    if result["max_concurrency"] is not None:
        yield _line("Maximum request concurrency", result["max_concurrency"])
    if result["request_rate"] != "inf":
        yield _line("Request rate configured (RPS)", result["request_rate"])
    yield _line("Benchmark duration (s)", summary.duration_s)
    yield _line("Total input tokens", summary.num_input_tokens)
    yield _line("Total generated tokens", summary.num_output_tokens)
    yield _line("Request throughput (req/s)", result["request_throughput"])
    if result["request_goodput"] is not None:
        yield _line("Request goodput (req/s)", result["request_goodput"])
    yield _line("Output token throughput (tok/s)", result["output_throughput"])
    yield _line("Peak output token throughput (tok/s)", result["max_output_tokens_per_s"])
    yield _line("Peak concurrent requests", summary.max_concurrent)
    yield _line("Total token throughput (tok/s)", result["total_token_throughput"])
    yield _line("Client CPU, share of a core", summary.client_cpu_share)


def _spread(summary: Summary, metric: Metric, percents: Sequence[float]) -> Iterator[str]:
    values, name = summary.spreads.get(metric), metric.upper()
    if values is None:
        yield _line(f"{name} (ms)", "none measured")
        return
    yield _line(f"Mean {name} (ms)", values.mean)
    yield _line(f"Median {name} (ms)", values.median)
    yield _line(f"Std {name} (ms)", values.std)
    for percent in percents:
        yield _line(f"P{percent:g} {name} (ms)", values.percentile(percent))


def _title(text: str, fill: str) -> str:
    return text.center(WIDTH, fill)


def _line(name: str, value: float | str) -> str:
    shown = f"{value:.2f}" if isinstance(value, float) else str(value)
    return f"{name + ':':<40} {shown:<10}".rstrip()


def warnings(run: Run, summary: Summary) -> Iterator[str]:
    """What makes the numbers mean less than they seem to."""
    if run.errors:
        yield f"{summary.failed} requests failed; the first: {run.errors[0]}"
    if summary.client_cpu_share > BUSY_CLIENT:
        yield (
            f"the client used {summary.client_cpu_share:.0%} of a core: it may have been the bottleneck; "
            "run several clients, or send less at once"
        )
    if summary.num_short:
        yield (
            f"{summary.num_short} answers were shorter than asked for; with --ignore-eos, where the server "
            "knows it, all are of full length"
        )
    if summary.num_uncounted:
        yield (
            f"the server told no usage for {summary.num_uncounted} answers: "
            "each of their chunks was counted as one token"
        )
