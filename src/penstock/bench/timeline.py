"""Output over time, in slices. Knows when tokens came, not of which request."""

from collections.abc import Sequence
from dataclasses import dataclass

from penstock.bench.records import Record

MOST_SLICES = 120
SLICES_S = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


@dataclass(frozen=True, slots=True)
class Timeline:
    """Slice `i` covers [i, i + 1) * slice_s after the start."""

    slice_s: float
    output_tokens: list[float]
    """Output tokens that arrived in each slice."""


def timeline(records: Sequence[Record], started: float, duration_s: float) -> Timeline:
    """As fine as `MOST_SLICES` allow. An answer's tokens are spread evenly over its chunks."""
    fits = (s for s in SLICES_S if duration_s / s <= MOST_SLICES)
    slice_s = next(fits, duration_s / MOST_SLICES)
    return Timeline(slice_s, sliced(records, started, duration_s, slice_s))


def sliced(
    records: Sequence[Record], started: float, duration_s: float, slice_s: float
) -> list[float]:
    tokens = [0.0] * (int(duration_s / slice_s) + 1)
    for record in records:
        share = record.num_output_tokens / len(record.times)
        for moment in record.times:
            tokens[min(len(tokens) - 1, int((moment - started) / slice_s))] += share
    return tokens
