"""The sequences that wait for their turn. Knows who is first and the bounds, not blocks or budgets.

The order of service: priority (0 for all under fcfs), then whose tenant was served least for its weight (see
fairness.py), then arrival. A preempted sequence keeps its arrival, so it comes before all of its tenant's that have
not run yet.
"""

from collections.abc import Callable, Iterator

from penstock.engine_core.fairness import Shares
from penstock.engine_core.sequence import Sequence, State


class WaitingQueue:
    """Held sequences are not in it, and count as if they were where there are bounds."""

    def __init__(self, shares: Shares | None = None) -> None:
        self._shares = shares or Shares()
        self._length = 0
        self.num_held = 0
        self.num_tokens = 0
        """Of all of them, the held ones too."""

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Sequence]:
        """In no particular order."""
        for found in self._shares.classes.values():
            for line in found.waiting:
                yield from (s for _, s in line.heap if s.state is State.WAITING)

    def hold(self, sequence: Sequence) -> None:
        """It is to be pushed later, in the rank that it has now."""
        sequence.state = State.HELD
        self.num_held += 1
        self.num_tokens += len(sequence.tokens)

    def withdraw(self, concerns: Callable[[Sequence], bool]) -> list[Sequence]:
        """Holds all waiting ones that it concerns."""
        found = [sequence for sequence in self if concerns(sequence)]
        for sequence in found:
            self.hold(sequence)
            self._uncount(sequence)
        for sequence in found:
            assert sequence.line is not None
            sequence.line.shed(0)  # they must not be there twice when they come again
        return found

    def release(self, sequence: Sequence) -> None:
        """One that was held."""
        self.num_held -= 1
        self.num_tokens -= len(sequence.tokens)
        self.push(sequence)

    def push(self, sequence: Sequence) -> None:
        """One that is new here."""
        line = sequence.line = self._shares.line_of(sequence)
        if not line.num_waiting:
            found = self._shares.classes[line.priority]
            line.served = max(line.served, found.floor)
        self._count(sequence)

    def push_back(self, sequence: Sequence) -> None:
        """One that was running: it asks for nothing new."""
        assert sequence.line is not None
        self._count(sequence)
        sequence.line.num_running -= 1

    def peek(self) -> Sequence | None:
        """Whose turn it is."""
        if not self._length:
            return None
        classes = self._shares.classes
        if len(classes) == 1:
            return next(iter(classes.values())).first()
        return classes[min(p for p, found in classes.items() if found.waiting)].first()

    def pop(self, sequence: Sequence) -> None:
        """Takes out what `peek` has just shown."""
        assert sequence.line is not None
        assert sequence.line.head() is sequence
        sequence.state = State.RUNNING
        sequence.line.pop()
        sequence.line.num_running += 1
        self._uncount(sequence)

    def remove(self, sequence: Sequence) -> None:
        """Takes it out from anywhere."""
        is_held, sequence.state = sequence.state is State.HELD, State.FINISHED
        if is_held:
            self.num_held -= 1
            self.num_tokens -= len(sequence.tokens)
        else:
            self._uncount(sequence)

    def grew(self, num_tokens: int) -> None:
        """A waiting sequence took `num_tokens` more: results of plans that ran before its preemption."""
        self.num_tokens += num_tokens

    def _count(self, sequence: Sequence) -> None:
        line = sequence.line
        assert line is not None
        sequence.state = State.WAITING
        line.push(sequence)
        line.num_waiting += 1
        self._shares.classes[line.priority].wait(line, sequence)
        self._length += 1
        self.num_tokens += len(sequence.tokens)

    def _uncount(self, sequence: Sequence) -> None:
        """Its state is another already."""
        line = sequence.line
        assert line is not None
        line.num_waiting -= 1
        line.shed(line.num_waiting + 64 if line.num_waiting else 0)
        if not line.num_waiting:
            self._shares.classes[line.priority].stop_waiting(line)
        self._length -= 1
        self.num_tokens -= len(sequence.tokens)

    def check(self) -> None:
        living = list(self)
        assert len(living) == len(set(map(id, living))) == self._length
        num_tokens = sum(len(sequence.tokens) for sequence in living)
        assert num_tokens == self.num_tokens if not self.num_held else num_tokens < self.num_tokens
        self._shares.check(living)
