"""How many numbers a step is made of, and their bytes. Knows no tensors: a plan may ask before torch is there.

T tokens of the step, R rows, P = R + 1, N rows that sample, B blocks of the longest row; see step_inputs.py.
"""

from typing import NamedTuple

WIDE, NARROW = 8, 4
"""Bytes of an int64 and of an int32."""


class Extent(NamedTuple):
    """How much there is of each."""

    tokens: int
    rows: int
    samples: int
    blocks: int

    @property
    def wide(self) -> list[int]:
        return [self.tokens] * 3 + [self.samples] * 2

    @property
    def narrow(self) -> list[int]:
        return [self.rows + 1, self.rows, self.rows * self.blocks]

    @property
    def num_bytes(self) -> int:
        """A multiple of 8."""
        return -(-(sum(self.wide) * WIDE + sum(self.narrow) * NARROW) // WIDE) * WIDE
