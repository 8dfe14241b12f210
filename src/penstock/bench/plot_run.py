"""Draws one run: latencies as distributions, output over time. Knows the saved form of a result only."""

from typing import TYPE_CHECKING

from penstock.bench.drawing import color, panels
from penstock.bench.metrics import METRICS, NAMES
from penstock.bench.result import Json

if TYPE_CHECKING:
    from matplotlib.axes import Axes


STRAGGLER = 1.5
"""Values beyond so many times the 99th percentile lie outside the picture."""


def draw_run(found: Json, path: str) -> None:
    """Raises SettingsError."""
    with panels(path, headline(found), 2, 2) as (ttft, itl, over_time, table):
        _distribution(ttft, found, "ttft", 0)
        _distribution(itl, found, "itl", 1)
        _over_time(over_time, found)
        _table(table, found)


def headline(found: Json) -> str:
    limit = found["max_concurrency"]
    at_once = "" if limit is None else f", {limit} at once"
    name = found["label"] or found["base_url"]
    return (
        f"{name}: {found['model_id']}, {found['completed']} requests of {found['dataset_name']}, "
        f"rate {found['request_rate']}/s{at_once}"
    )


def _distribution(axes: "Axes", found: Json, metric: str, index: int) -> None:
    """The share of values that are no longer than x."""
    quantiles = found["quantiles_ms"].get(metric)
    axes.set_title(f"{NAMES['ttft' if metric == 'ttft' else 'itl']}, share of all up to")
    axes.set_xlabel("ms")
    axes.set_ylabel("%")
    axes.set_ylim(0, 101)
    if quantiles is None:
        axes.text(0.5, 0.5, "none measured", ha="center", transform=axes.transAxes)
        return
    axes.plot(quantiles, range(len(quantiles)), color=color(index), linewidth=1.8)
    for percent in (50, 99):
        value = quantiles[percent]
        axes.plot([value], [percent], "o", color=color(index), markersize=4)
        axes.annotate(
            f"p{percent} {value:.3g} ms",
            (value, percent),
            textcoords="offset points",
            xytext=(-6, -13) if value > _middle(quantiles) else (6, -9),
            ha="right" if value > _middle(quantiles) else "left",
        )
    _show_most(axes, quantiles)


def _show_most(axes: "Axes", quantiles: list[float]) -> None:
    """One straggler does not squeeze all others into a corner."""
    p99, longest = quantiles[99], quantiles[-1]
    axes.set_xlim(0, 1.03 * min(longest, STRAGGLER * p99) or 1.0)
    if longest > STRAGGLER * p99:
        axes.set_xlabel(f"ms (longest: {longest:.3g})")


def _middle(quantiles: list[float]) -> float:
    return min(quantiles[-1], STRAGGLER * quantiles[99]) / 2


def _over_time(axes: "Axes", found: Json) -> None:
    """The last slice is left out: it ends when the run does, somewhere in its middle."""
    slice_s, tokens = found["timeline"]["slice_s"], found["timeline"]["output_tokens"]
    whole = tokens[:-1] or tokens
    edges = [number * slice_s for number in range(len(whole) + 1)]
    rates = [number / slice_s for number in whole]
    axes.stairs(rates, edges, fill=True, color=color(2), alpha=0.35)
    axes.axhline(found["output_throughput"], color=color(2), linewidth=1.2)
    axes.set_title(f"Output tokens per second, in slices of {slice_s:g} s")
    axes.set_xlabel("s after the start (line: mean of the run)")
    axes.set_ylim(bottom=0)


def _table(axes: "Axes", found: Json) -> None:
    axes.axis("off")
    rows = [_row(found, metric) for metric in METRICS if metric in found["quantiles_ms"]]
    table = axes.table(
        rows, colLabels=["ms", "mean", "median", "p99"], loc="upper center", edges="horizontal"
    )
    table.auto_set_font_size(False)
    table.set_fontsize(9)
    table.scale(0.9, 1.4)
    axes.text(0.05, 0.02, "\n".join(_lines(found)), transform=axes.transAxes, va="bottom")


def _row(found: Json, metric: str) -> list[str]:
    values = (
        found[f"mean_{metric}_ms"],
        found[f"median_{metric}_ms"],
        found["quantiles_ms"][metric][99],
    )
    return [metric.upper(), *(f"{value:.1f}" for value in values)]


def _lines(found: Json) -> list[str]:
    goodput = found["request_goodput"]
    rates = f"{found['output_throughput']:.1f} output tokens/s, {found['request_throughput']:.2f} requests/s"
    return [
        f"{found['completed']} succeeded, {found['failed']} failed, in {found['duration']:.2f} s",
        f"{found['total_input_tokens']} tokens in, {found['total_output_tokens']} out",
        rates,
        *([] if goodput is None else [f"goodput {goodput:.2f} requests/s"]),
        f"client: {found['client_cpu_share']:.0%} of a core",
    ]
