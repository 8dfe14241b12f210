"""How much of something came lately, against a bound. Knows no clock and not what is counted.

    slices   | 3 | 0 | 7 | ... | 2 |        used = their sum
             ^ length_s ago        ^ now

An amount counts until its whole slice is `length_s` old: never more than the limit in any `length_s` seconds, and
what is used comes back at most a slice, a sixtieth of that, later than it could.
"""

import math
from collections.abc import Iterable, Iterator
from itertools import accumulate

NUM_SLICES = 60


class Window:
    """`move` before anything else: the time is passed in, never negative, and never goes back."""

    __slots__ = ("_held", "_newest", "_slice_s", "_slices", "length_s", "limit", "used")

    def __init__(self, limit: int, length_s: float) -> None:
        self.limit = limit
        self.length_s = length_s
        self.used = 0
        self._slice_s = length_s / NUM_SLICES
        self._newest = 0
        self._slices: dict[int, int] = {}
        """By number; the oldest first."""
        self._held: dict[int, int] = {}
        """The part of a slice of which it is not known yet whether it will be used."""

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.used)

    def move(self, now: float) -> None:
        """What is old enough counts no more."""
        newest = int(now / self._slice_s)
        if newest <= self._newest:
            return
        self._newest = newest
        for number in list(self._slices):
            if number + NUM_SLICES >= self._newest:
                break
            self.used -= self._slices.pop(number)
            self._held.pop(number, None)

    # ---- counting, whatever the limit

    def add(self, amount: int) -> int:
        """The number is for `give_back`."""
        self._slices[self._newest] = self._slices.get(self._newest, 0) + amount
        self.used += amount
        return self._newest

    def give_back(self, amount: int, number: int) -> None:
        """Of what was added under this number; nothing of what counts no more."""
        if number in self._slices:
            self._slices[number] -= amount
            self.used -= amount

    def hold(self, amount: int) -> int:
        """Counts what may be used; the number is for `release`."""
        number = self.add(amount)
        self._held[number] = self._held.get(number, 0) + amount
        return number

    def release(self, held: int, used: int, number: int) -> None:
        """So much of what was held under this number was used, or even more."""
        if number in self._held:
            self._held[number] -= held
            self.give_back(max(0, held - used), number)
        if used > held:
            self.add(used - held)

    # ---- the bound

    def fits(self, amount: int) -> bool:
        return self.used + amount <= self.limit

    def wait_s(self, amount: int, now: float) -> float:
        """Until what does not fit will; infinite where it never will."""
        assert not self.fits(amount)
        if amount > self.limit:
            return math.inf
        excess = self.used + amount - self.limit
        return self._until_gone(self._slice_that_frees(excess), now)

    def _slice_that_frees(self, excess: int) -> int:
        freed = accumulate(self._slices.values())
        return next(n for n, total in zip(self._slices, freed, strict=True) if total >= excess)

    def reset_s(self, now: float) -> float:
        """Until nothing counts any more."""
        numbers = [number for number, amount in self._slices.items() if amount]
        return self._until_gone(numbers[-1], now) if numbers else 0.0

    def _until_gone(self, number: int, now: float) -> float:
        return max(0.0, (number + NUM_SLICES + 1) * self._slice_s - now)

    # ---- to another window, of another clock

    def ages(self, now: float) -> Iterator[tuple[float, int]]:
        """How long ago each slice ended, and what was used of it: what is held is not told."""
        for number, amount in self._slices.items():
            if used := amount - self._held.get(number, 0):
                yield max(0.0, now - (number + 1) * self._slice_s), used

    def restore(self, ages: Iterable[tuple[float, int]], now: float) -> None:
        """Into a window that has counted nothing yet."""
        assert not self._slices
        self.move(now)
        for age_s, amount in sorted(ages, reverse=True):
            number = min(self._newest, math.floor((now - age_s) / self._slice_s))
            if number + NUM_SLICES >= self._newest:
                self._slices[number] = self._slices.get(number, 0) + amount
                self.used += amount

    def check(self) -> None:
        assert self.used == sum(self._slices.values())
        assert all(0 <= held <= self._slices[number] for number, held in self._held.items())
        assert all(amount >= 0 for amount in self._slices.values())
        assert list(self._slices) == sorted(self._slices)
