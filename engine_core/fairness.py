"""Whose turn it is among tenants. Knows what was done for each, not how long it took.

Tenants that wait in one class of priority are served in proportion to their weights (Sheng et al., Fairness in
Serving Large Language Models, OSDI 2024). A line counts what was done for its tenant, every token computed and every
token sampled, divided by its weight; the line with the smallest count is next. Who had nothing to wait for comes
back at the level of those who wait: nobody saves up.
"""

import heapq
from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from penstock.engine_core.sequence import Sequence, State

ONE = 1 << 30
"""A token's part of `served` at weight 1. Integers, so that no order of adding matters."""
MAX_IDLE = 4096
SPARE_TURNS = 64
"""Entries of a heap beyond two for each line, before those of no use are thrown away."""


class Work(Protocol):
    """What was planned since it was last asked for."""

    def bill_work(self) -> int: ...

    def bill_rows(self) -> Iterable[tuple[Sequence, int]]: ...


class Line:
    """What one tenant has in one class of priority."""

    __slots__ = ("heap", "num_running", "num_waiting", "priority", "served", "stride", "tenant")

    def __init__(self, priority: int, tenant: str, stride: int) -> None:
        self.priority = priority
        self.tenant = tenant
        self.stride = stride
        self.served = 0
        self.num_running = self.num_waiting = 0
        self.heap: list[tuple[int, Sequence]] = []
        """By arrival. Aborted entries stay until they surface or outnumber the living."""

    @property
    def is_idle(self) -> bool:
        return not self.num_waiting and not self.num_running

    def push(self, sequence: Sequence) -> None:
        heapq.heappush(self.heap, (sequence.rank[1], sequence))

    def head(self) -> Sequence:
        """Of those that wait; there is one."""
        while self.heap[0][1].state is not State.WAITING:
            heapq.heappop(self.heap)
        return self.heap[0][1]

    def pop(self) -> None:
        """Takes out what `head` shows."""
        heapq.heappop(self.heap)

    def shed(self, most_dead: int) -> None:
        """Those that are in the heap and do not wait, when they are more than so many."""
        if len(self.heap) - self.num_waiting > most_dead:
            self.heap = [entry for entry in self.heap if entry[1].state is State.WAITING]
            heapq.heapify(self.heap)


class PriorityClass:
    """The lines of one priority; `waiting` are those with something to wait for.

        turns   (7, 31, A) (9, 12, B) (9, 40, A) (12, 8, C)      served, arrival of the head, line: a heap

    Nothing keeps an entry up to date: lines are served more and lose their heads, so it may name a place before its
    line's own, and is put right when it surfaces. No line waits without an entry at or before its place; one that
    waits alone needs none.
    """

    def __init__(self) -> None:
        self.lines: dict[str, Line] = {}
        self.waiting: dict[Line, None] = {}
        self._turns: list[tuple[int, int, Line]] = []
        self._last: Line | None = None
        """That had something to wait for."""

    @property
    def floor(self) -> int:
        """Where who comes in starts."""
        if self.waiting:
            return self._next().served
        return self._last.served if self._last else 0

    def wait(self, line: Line, sequence: Sequence) -> None:
        """It has just been pushed to the line, and may have come to its head."""
        num_before = len(self.waiting)
        self.waiting[line] = None
        if len(self.waiting) == 1:
            return
        if num_before == 1:
            self._make_turns()
        elif line.heap[0][1] is sequence:
            heapq.heappush(self._turns, _turn(line))
            self._shed()

    def stop_waiting(self, line: Line) -> None:
        del self.waiting[line]
        self._last = line
        self._shed()

    def _shed(self) -> None:
        """Makes the heap anew when most of it is of no use."""
        if len(self._turns) > 2 * len(self.waiting) + SPARE_TURNS:
            self._make_turns()

    def _make_turns(self) -> None:
        self._turns = [_turn(line) for line in self.waiting]
        heapq.heapify(self._turns)

    def first(self) -> Sequence:
        """The head of the line that was served least, and among equals who came first."""
        return self._next().head()

    def _next(self) -> Line:
        if len(self.waiting) == 1:
            return next(iter(self.waiting))
        turns = self._turns
        while True:
            line = turns[0][2]
            if line not in self.waiting:
                heapq.heappop(turns)
            elif turns[0] == (place := _turn(line)):
                return line
            else:
                heapq.heapreplace(turns, place)

    def forget_the_idle(self) -> None:
        """Those who will start at the floor anyway; of too many, those who are nearest to it, too."""
        lowest = self._lowest_floor()
        idle = [line for line in self.lines.values() if line.is_idle]
        idle.sort(key=lambda line: line.served)
        for place, line in enumerate(idle):
            if line.served <= lowest or place < len(idle) - MAX_IDLE:
                del self.lines[line.tenant]

    def check(self) -> None:
        """For tests."""
        assert self.lines
        assert set(self.waiting) <= set(self.lines.values())
        for line in self.waiting if len(self.waiting) > 1 else ():
            assert min(turn for turn in self._turns if turn[2] is line) <= _turn(line)
        assert len(self._turns) <= 2 * len(self.waiting) + SPARE_TURNS

    def _lowest_floor(self) -> int:
        """No floor to come is below this: lines rise, and no one comes in lower."""
        levels = [line.served for line in self.lines.values() if not line.is_idle]
        if self._last:
            levels.append(self._last.served)
        return min(levels, default=0)


def _turn(line: Line) -> tuple[int, int, Line]:
    """Of a line that waits: its place among others."""
    return line.served, line.head().rank[1], line


class Shares:
    """All lines, and what was done for each."""

    def __init__(self) -> None:
        self.classes: dict[int, PriorityClass] = {}
        self.is_shared = False
        """Whether any class has several lines: else there is nothing to decide."""
        self.only: Line | None = None
        """The line, where there is just one in all."""
        self._num_lines = self._num_changes = 0
        self._weights: Mapping[str, float] = {}

    def reweigh(self, weights: Mapping[str, float]) -> None:
        """By tenant; it is 1 for all others. Holds for what is done from now on."""
        self._weights = weights
        for line in self._lines():
            line.stride = self._stride(line.tenant)

    # ---- lines come and go

    def line_of(self, sequence: Sequence) -> Line:
        """It is about to wait, or to run."""
        self._changed()
        priority, tenant = sequence.rank[0], sequence.tenant
        found = self.classes.get(priority)
        line = found.lines.get(tenant) if found else None
        return line or self._open(priority, tenant)

    def _open(self, priority: int, tenant: str) -> Line:
        line = Line(priority, tenant, self._stride(tenant))
        self.classes.setdefault(priority, PriorityClass()).lines[tenant] = line
        self._look()
        return line

    def left(self, line: Line) -> None:
        """One of its running sequences ended."""
        line.num_running -= 1
        if line.is_idle:
            self._changed()

    def _changed(self) -> None:
        """Idle lines are looked for so rarely that each costs little, and so often that they stay few."""
        self._num_changes += 1
        if self._num_lines > 1 and self._num_changes > self._num_lines // 4:
            self._num_changes = 0
            for found in self.classes.values():
                found.forget_the_idle()
            self._look()

    def _look(self) -> None:
        self.classes = {p: found for p, found in self.classes.items() if found.lines}
        self.is_shared = any(len(found.lines) > 1 for found in self.classes.values())
        lines = self._lines()
        self._num_lines, self.only = len(lines), lines[0] if len(lines) == 1 else None

    def _lines(self) -> list[Line]:
        return [line for found in self.classes.values() for line in found.lines.values()]

    def _stride(self, tenant: str) -> int:
        return round(ONE / self._weights.get(tenant, 1.0))

    def check(self, waiting: Collection[Sequence]) -> None:
        """`waiting` is all that waits. For tests."""
        for found in self.classes.values():
            found.check()
        for line in self._lines():
            assert line.num_waiting == sum(s.line is line for s in waiting)
            assert line.num_running >= 0
            assert (line in self.classes[line.priority].waiting) == (line.num_waiting > 0)

    # ---- what is done for them

    def bill(self, draft: Work) -> None:
        """All that was planned since the last call."""
        if self.only:
            self.only.served += draft.bill_work() * self.only.stride
            return
        for sequence, work in draft.bill_rows():
            line = sequence.line
            assert line is not None
            line.served += work * line.stride
