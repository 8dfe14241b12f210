"""A window against a list of everything that was ever counted."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.engine_core.limits.window import NUM_SLICES, Window

LENGTH_S = 60.0
SLICE_S = LENGTH_S / NUM_SLICES

_MOVES = st.tuples(
    st.sampled_from(["add", "hold", "release", "give back"]),
    st.integers(0, 9),
    st.floats(0, 40),
)


class Naive:
    """Each amount with the time at which it was counted; held ones by themselves."""

    def __init__(self) -> None:
        self.counted: list[tuple[float, int]] = []

    def used(self, now: float, length_s: float) -> int:
        return sum(amount for at, amount in self.counted if at > now - length_s)


@given(st.lists(_MOVES, max_size=60))
def test_nothing_counts_too_short_nor_a_slice_too_long(moves: list[Any]) -> None:
    window, naive, now = Window(10**9, LENGTH_S), Naive(), 1000.0
    held: list[tuple[int, int, float]] = []
    for what, amount, pause_s in moves:
        now += pause_s
        window.move(now)
        match what:
            case "add" | "give back":
                number = window.add(amount)
                if what == "give back":
                    window.give_back(amount, number)
                else:
                    naive.counted.append((now, amount))
            case "hold":
                held.append((window.hold(amount), amount, now))
                naive.counted.append((now, amount))
            case "release" if held:
                number, was, at = held.pop(amount % len(held))
                naive.counted.remove((at, was))
                naive.counted.append((at, min(amount, was)))
                naive.counted.append((now, max(0, amount - was)))
                window.release(was, amount, number)
        window.check()
        assert naive.used(now, LENGTH_S) <= window.used
        assert window.used <= naive.used(now, LENGTH_S + 1.001 * SLICE_S)


@given(
    st.lists(st.tuples(st.integers(1, 20), st.floats(0, 30)), min_size=1, max_size=40),
    st.integers(20, 60),
)
def test_never_more_than_the_limit_in_any_time_so_long(
    asked: list[tuple[int, float]], limit: int
) -> None:
    window, now, granted = Window(limit, LENGTH_S), 5.0, []
    for amount, pause_s in asked:
        now += pause_s
        window.move(now)
        if window.fits(amount):
            window.add(amount)
            granted.append((now, amount))
    for start, _ in granted:
        assert sum(a for at, a in granted if start <= at < start + LENGTH_S) <= limit


@given(st.lists(st.tuples(st.integers(1, 5), st.floats(0, 20)), max_size=40), st.integers(1, 12))
def test_who_waits_as_told_finds_room_and_not_much_before(
    asked: list[tuple[int, float]], amount: int
) -> None:
    window, now = Window(12, LENGTH_S), 0.0
    for each, pause_s in asked:
        now += pause_s
        window.move(now)
        if window.fits(each):
            window.add(each)
    if window.fits(amount):
        return
    wait_s = window.wait_s(amount, now)
    assert 0 <= wait_s <= LENGTH_S + SLICE_S
    window.move(now + wait_s - SLICE_S)
    assert not window.fits(amount)
    window.move(now + wait_s + 1e-6)
    assert window.fits(amount)


def test_what_is_more_than_the_limit_never_fits() -> None:
    window = Window(10, LENGTH_S)
    assert window.wait_s(11, 0.0) == math.inf


def test_it_is_whole_again_when_the_last_amount_is_gone() -> None:
    window = Window(10, LENGTH_S)
    assert window.reset_s(0.0) == 0.0
    window.move(100.0)
    window.add(3)
    window.move(130.0)
    number = window.add(4)
    assert window.reset_s(130.0) == pytest.approx(61.0)
    window.give_back(4, number)
    assert window.reset_s(130.0) == pytest.approx(31.0)
    assert window.remaining == 7


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans(), st.floats(0, 20)), max_size=30))
def test_another_clock_goes_on_with_the_same_counts(counted: list[tuple[int, bool, float]]) -> None:
    """What is held is not passed on; what is used frees as late as before, a slice apart at most."""
    first, now = Window(100, LENGTH_S), 77.0
    for amount, is_held, pause_s in counted:
        now += pause_s
        first.move(now)
        (first.hold if is_held else first.add)(amount)
    second, later = Window(100, LENGTH_S), 12345.6
    second.restore(first.ages(now), later)
    second.check()
    held = sum(first._held.values())
    assert second.used == first.used - held
    for passed_s in (10.0, 30.0, 50.0):
        first.move(now + passed_s)
        second.move(later + passed_s)
        assert second.used >= first.used - sum(first._held.values())
    second.move(later + LENGTH_S + 2 * SLICE_S)
    assert second.used == 0


@pytest.mark.parametrize("length_s", [LENGTH_S, 86400.0])
def test_what_is_older_than_the_window_is_not_restored(length_s: float) -> None:
    window = Window(100, length_s)
    window.restore([(2 * length_s, 100), (length_s / 2, 30)], 10 * length_s)
    window.check()
    assert window.used == 30
    assert window.wait_s(80, 10 * length_s) > 0
