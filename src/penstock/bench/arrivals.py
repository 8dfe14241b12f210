"""When requests are sent. Knows rates, not requests."""

import math
import random
from itertools import accumulate


def offsets_s(num_requests: int, rate: float, burstiness: float, seed: int) -> list[float]:
    """Seconds after the start, the first at 0: gamma intervals with mean 1 / rate and shape `burstiness`.

    Shape 1 makes a Poisson process; an infinite rate sends everything at once.
    """
    if math.isinf(rate):
        return [0.0] * num_requests
    rng = random.Random(f"arrivals {seed}")
    scale = 1 / (rate * burstiness)
    gaps = (rng.gammavariate(burstiness, scale) for _ in range(num_requests - 1))
    return list(accumulate(gaps, initial=0.0))
