"""Draws how a cost grows with the work, beside what growing straight would be. Knows its own small JSON form only.

{"schema": "penstock-growth/1", "title": "engine core, one step", "x": "rows", "y": "us",
 "points": [[1, 6.1], [64, 150]]}
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from penstock.bench.drawing import color, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SCHEMA = "penstock-growth/1"


class Growth(msgspec.Struct, frozen=True):
    """One cost at several amounts of work: `points` are pairs of x and y, x above 0."""

    title: str
    x: str
    y: str
    points: list[tuple[float, float]]
    grows: Literal["with work", "not at all"] = "with work"
    """What straight would be: `not at all` for the cost of one unit of the work."""
    schema: str = SCHEMA


def draw_growth(growths: Sequence[Growth], path: str) -> None:
    """One panel each, both axes by powers. Raises SettingsError."""
    columns = min(2, len(growths))
    rows = -(-len(growths) // columns)
    with panels(path, "Cost as work grows", rows, columns) as axes:
        for unused in axes[len(growths) :]:
            unused.axis("off")
        for index, growth in enumerate(growths):
            _draw(axes[index], growth, index)


def _draw(axes: "Axes", growth: Growth, index: int) -> None:
    points = sorted(growth.points)
    xs, ys = [x for x, _ in points], [y for _, y in points]
    is_flat = growth.grows == "not at all"
    straight = [ys[-1] if is_flat else ys[-1] * x / xs[-1] for x in xs]
    axes.plot(xs, ys, marker="o", markersize=4, color=color(index), label="measured")
    axes.plot(xs, straight, ":", color="gray", label="straight through the last point")
    axes.set_xscale("log", base=2)
    if is_flat:
        axes.set_ylim(0, 1.3 * max(ys))
    else:
        axes.set_yscale("log")
    axes.set_xticks(xs, [f"{x:g}" for x in xs])
    axes.minorticks_off()
    axes.set_title(growth.title)
    axes.set_xlabel(growth.x)
    axes.set_ylabel(growth.y)
    axes.legend()
