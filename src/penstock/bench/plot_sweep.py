"""Draws several runs side by side: what rises with the load. Knows the saved form of results only.

Runs of one label are one line; along x lies what was changed between them, concurrency or rate.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from penstock.bench.drawing import color, panels
from penstock.bench.result import Json

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDE = 8
"""From this ratio of the most to the least load on, x is drawn by powers of two."""
X_AXES = {"max_concurrency": "requests at once", "request_rate": "requests per second, asked for"}


def draw_sweep(results: Sequence[Json], path: str) -> None:
    """Raises SettingsError."""
    key = _what_changes(results)
    lines = _by_label(results, key)
    with panels(path, f"{len(results)} runs", 2, 2) as axes:
        panels_of = zip(
            axes,
            (
                ("Output tokens per second", [("output_throughput", "")]),
                ("Time to first token, ms", _percentiles("ttft")),
                ("Time per output token, ms", _percentiles("tpot")),
                ("End-to-end latency, ms", _percentiles("e2el")),
            ),
            strict=True,
        )
        for one, (title, values) in panels_of:
            one.set_title(title)
            _draw(one, lines, key, values)


def _percentiles(metric: str) -> list[tuple[str, str]]:
    return [(f"{metric}/50", "p50"), (f"{metric}/99", "p99")]


def _what_changes(results: Sequence[Json]) -> str:
    rates = {str(result["request_rate"]) for result in results}
    return "request_rate" if len(rates) > 1 else "max_concurrency"


def _x(result: Json, key: str) -> float:
    """All at once is as many as there were."""
    value = result[key]
    return float(result["max_concurrent_requests"] if value in (None, "inf") else value)


def _by_label(results: Sequence[Json], key: str) -> dict[str, list[Json]]:
    lines: dict[str, list[Json]] = {}
    for result in sorted(results, key=lambda r: _x(r, key)):
        lines.setdefault(result["label"] or result["model_id"], []).append(result)
    return dict(sorted(lines.items()))


def _draw(
    axes: "Axes", lines: dict[str, list[Json]], key: str, values: Sequence[tuple[str, str]]
) -> None:
    for index, (label, results) in enumerate(lines.items()):
        for style, (value, suffix) in zip(("-", "--"), values, strict=False):
            points = [(_x(r, key), y) for r in results if (y := _y(r, value)) is not None]
            axes.plot(
                [x for x, _ in points],
                [y for _, y in points],
                style,
                marker="o",
                markersize=4,
                color=color(index),
                label=f"{label} {suffix}".rstrip(),
            )
    xs = sorted({_x(result, key) for results in lines.values() for result in results})
    if xs[-1] >= WIDE * xs[0]:
        axes.set_xscale("log", base=2)
        axes.set_xticks(xs, [f"{x:g}" for x in xs])
    axes.set_xlabel(X_AXES[key])
    axes.set_ylim(bottom=0)
    axes.legend()


def _y(result: Json, value: str) -> float | None:
    metric, _, percent = value.partition("/")
    if not percent:
        return float(result[metric])
    quantiles = result["quantiles_ms"].get(metric)
    return None if quantiles is None else float(quantiles[int(percent)])
