"""The randomness of sampling: one number from a seed and a position. Knows nothing else, on purpose.

A pure function, so a token depends on neither its company, its slot, the step, nor the clock: the
same request continues alike after a preemption, on another worker, and after a crash.

R rows.
"""

import numpy as np
import numpy.typing as npt

from penstock.workers.sampler.rows import Ints

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_DOUBLE_BITS = 53
AGAIN = np.uint64(0xD1B54A32D192ED03)
"""Another seed, for a row that draws once more."""


def uniforms(seeds_R: npt.NDArray[np.uint64], positions_R: Ints) -> npt.NDArray[np.float64]:
    """In [0, 1), one for each (seed, position)."""
    bits_R = _mix(_mix(seeds_R) + positions_R.astype(np.uint64) * _GOLDEN)
    return (bits_R >> np.uint64(64 - _DOUBLE_BITS)).astype(np.float64) * 2.0**-_DOUBLE_BITS


def _mix(x_R: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """One step of splitmix64 from state `x`."""
    x_R = x_R + _GOLDEN
    x_R = (x_R ^ (x_R >> np.uint64(30))) * _MIX_1
    x_R = (x_R ^ (x_R >> np.uint64(27))) * _MIX_2
    return x_R ^ (x_R >> np.uint64(31))
