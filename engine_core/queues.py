"""The sequences that wait for their turn. Knows the order of service and the bounds, not blocks or budgets.

One order serves both policies: (priority, arrival), with priority 0 for all under fcfs. A preempted sequence
keeps its arrival, so it comes back before all that have not run yet.
"""

import heapq
from collections.abc import Callable, Iterator

from penstock.engine_core.sequence import Sequence, State

Entry = tuple[tuple[int, int], Sequence]


class WaitingQueue:
    """A heap by rank. Aborted entries stay in it until they surface or outnumber the living.

    Held sequences are not in it, and count as if they were where there are bounds.
    """

    def __init__(self) -> None:
        self._heap: list[Entry] = []
        self._length = 0
        self.num_held = 0
        self.num_tokens = 0
        """Of all of them, the held ones too."""

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Sequence]:
        """In no particular order."""
        return (sequence for _, sequence in self._heap if sequence.state is State.WAITING)

    def hold(self, sequence: Sequence) -> None:
        """It is to be pushed later, in the rank that it has now."""
        sequence.state = State.HELD
        self.num_held += 1
        self.num_tokens += len(sequence.tokens)

    def withdraw(self, concerns: Callable[[Sequence], bool]) -> list[Sequence]:
        """Holds all waiting ones that it concerns."""
        found = [sequence for sequence in self if concerns(sequence)]
        for sequence in found:
            self._uncount(sequence)
            self.hold(sequence)
        if found:
            self._forget_the_dead()
        return found

    def release(self, sequence: Sequence) -> None:
        """One that was held."""
        self.num_held -= 1
        self.num_tokens -= len(sequence.tokens)
        self.push(sequence)

    def push(self, sequence: Sequence) -> None:
        sequence.state = State.WAITING
        heapq.heappush(self._heap, (sequence.rank, sequence))
        self._length += 1
        self.num_tokens += len(sequence.tokens)

    def peek(self) -> Sequence | None:
        """Whose turn it is."""
        while self._heap and self._heap[0][1].state is not State.WAITING:
            heapq.heappop(self._heap)
        return self._heap[0][1] if self._heap else None

    def pop(self) -> Sequence:
        """Takes out what `peek` shows."""
        sequence = self.peek()
        assert sequence is not None
        heapq.heappop(self._heap)
        sequence.state = State.RUNNING
        self._uncount(sequence)
        return sequence

    def remove(self, sequence: Sequence) -> None:
        """Takes it out from anywhere."""
        is_held, sequence.state = sequence.state is State.HELD, State.FINISHED
        if is_held:
            self.num_held -= 1
            self.num_tokens -= len(sequence.tokens)
            return
        self._uncount(sequence)
        if len(self._heap) > 2 * self._length + 64:
            self._forget_the_dead()

    def _forget_the_dead(self) -> None:
        self._heap = [entry for entry in self._heap if entry[1].state is State.WAITING]
        heapq.heapify(self._heap)

    def grew(self, num_tokens: int) -> None:
        """A waiting sequence took `num_tokens` more: results of plans that ran before its preemption."""
        self.num_tokens += num_tokens

    def _uncount(self, sequence: Sequence) -> None:
        self._length -= 1
        self.num_tokens -= len(sequence.tokens)

    def check(self) -> None:
        living = list(self)
        assert len(living) == len(set(map(id, living))) == self._length
        num_tokens = sum(len(sequence.tokens) for sequence in living)
        assert num_tokens == self.num_tokens if not self.num_held else num_tokens < self.num_tokens
