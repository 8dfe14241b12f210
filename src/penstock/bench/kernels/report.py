"""What was measured as a table, and as JSON. Knows columns and fields, not how the numbers came about."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from penstock.bench.kernels.ceilings import Ceilings
from penstock.bench.kernels.measure import Measured
from penstock.bench.kernels.place import Place

SCHEMA = "penstock-bench-kernels/1"
NOTHING = "-"
COLUMNS = (
    ("kernel", 21), ("case", 26), ("us", 10), ("spread", 8), ("MB", 10), ("GB/s", 8), ("of mem", 7),
    ("GFLOP", 9), ("TFLOP/s", 8), ("of peak", 8), ("torch us", 10), ("x torch", 8),
)  # fmt: skip
LEGEND = """\
us: median; spread: from the 10th to the 90th percentile, by the median. MB: each input read once, each output written
once. of mem, of peak: the share of what this device was just seen to do at best. x torch: how many times as fast as
torch's own op."""
INTERPRETED = """\
INTERPRETED on the CPU, at tiny sizes: this shows that the kernels run. The times mean nothing, so there are no rates
and no shares."""


class Shares(NamedTuple):
    """Of the ceilings of memory and of arithmetic."""

    memory: float
    arithmetic: float


def shares(one: Measured, ceilings: Ceilings) -> Shares:
    assert one.times
    seconds = one.times.median
    return Shares(
        one.work.num_bytes / seconds / ceilings.memory_bytes,
        one.work.num_operations / seconds / ceilings.operations,
    )


def heading(place: Place, ceilings: Ceilings | None) -> str:
    if ceilings is None:
        return f"{INTERPRETED}\n"
    return (
        f"{place.name}, {place.dtype}, torch {place.torch}, triton {place.triton}\n"
        f"at best: copies {ceilings.copy_bytes / 1e9:,.0f} GB/s, reads {ceilings.read_bytes / 1e9:,.0f} GB/s, "
        f"a product {ceilings.operations / 1e12:,.1f} TFLOP/s, one launch {ceilings.launch_s * 1e6:.1f} us\n"
        f"{LEGEND}\n"
    )


def title(model: str) -> str:
    """What stands over the rows of a model."""
    return f"\n{model}\n{_aligned([name for name, _ in COLUMNS])}"


def row(one: Measured, ceilings: Ceilings | None) -> str:
    start, work = [one.op, one.what], one.work
    if one.times is None:
        return f"{_aligned(start)}  not measured: {one.error}"
    seconds, spread = one.times.median, NOTHING
    best: tuple[float, float] | tuple[None, None] = None, None
    if ceilings:
        spread = _percent((one.times.p90 - one.times.p10) / seconds)
        best = ceilings.memory_bytes, ceilings.operations
    memory = _rates(work.num_bytes, 1e6, seconds, best[0])
    arithmetic = _rates(work.num_operations, 1e9, seconds, best[1])
    return _aligned([*start, _us(seconds), spread, *memory, *arithmetic, *_beside(one, ceilings)])


def _rates(amount: float, unit: float, seconds: float, best: float | None) -> list[str]:
    """In units; in thousands of them a second; the share of the best."""
    size = _short(amount / unit)
    if best is None:
        return [size, NOTHING, NOTHING]
    return [size, _short(amount / seconds / unit / 1000), _percent(amount / seconds / best)]


def _beside(one: Measured, ceilings: Ceilings | None) -> list[str]:
    """torch's time, and how many times as long it is."""
    if one.torch_times is None or one.times is None or ceilings is None:
        return [NOTHING, NOTHING]
    return [_us(one.torch_times.median), f"{one.torch_times.median / one.times.median:.2f}"]


def _us(seconds: float) -> str:
    return _short(seconds * 1e6)


def _short(value: float) -> str:
    """Three digits, or all that stand before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _percent(share: float) -> str:
    return f"{share:.0%}"


def _aligned(cells: Sequence[str]) -> str:
    """The first two from the left, numbers from the right."""
    widths = [width for _, width in COLUMNS]
    texts = [f"{cell:<{width}}" for cell, width in zip(cells[:2], widths, strict=False)]
    numbers = [f"{cell:>{width}}" for cell, width in zip(cells[2:], widths[2:], strict=False)]
    return "".join([*texts, *numbers]).rstrip()


def as_json(place: Place, ceilings: Ceilings | None, found: Sequence[Measured]) -> dict[str, Any]:
    """Seconds, bytes and operations; docs/benchmarking.md describes every field."""
    return {
        "schema": SCHEMA,
        **place.as_json(),
        "ceilings": ceilings and {
            "copy_bytes_per_s": ceilings.copy_bytes,
            "read_bytes_per_s": ceilings.read_bytes,
            "operations_per_s": ceilings.operations,
            "launch_s": ceilings.launch_s,
        },
        "results": [_result(one, ceilings) for one in found],
    }  # fmt: skip


def _result(one: Measured, ceilings: Ceilings | None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "kernel": one.op,
        "model": one.model,
        "case": one.what,
        "bytes": one.work.num_bytes,
        "operations": one.work.num_operations,
        "error": one.error,
    }
    if one.times:
        told |= {"median_s": one.times.median, "p10_s": one.times.p10, "p90_s": one.times.p90}
        told["torch_median_s"] = one.torch_times.median if one.torch_times else None
    if one.times and ceilings:
        found = shares(one, ceilings)
        told |= {"memory_share": found.memory, "arithmetic_share": found.arithmetic}
    return told
