"""Means and percentiles of a list. Knows numbers only; needs no numpy, so that the command starts at once."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """Of one list, in the list's unit; the deviation is the population's."""

    mean: float
    median: float
    std: float
    sorted: Sequence[float]

    def percentile(self, percent: float) -> float:
        return percentile(self.sorted, percent)


def spread(values: Sequence[float]) -> Spread | None:
    """None for nothing."""
    if not values:
        return None
    ordered = sorted(values)
    mean = math.fsum(ordered) / len(ordered)
    variance = math.fsum((value - mean) ** 2 for value in ordered) / len(ordered)
    return Spread(mean, percentile(ordered, 50), math.sqrt(variance), ordered)


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Between the two nearest ranks in proportion, as numpy does by default; 0 to 100."""
    assert ordered
    assert 0 <= percent <= 100
    place = (len(ordered) - 1) * percent / 100
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
