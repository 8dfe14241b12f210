"""Whose turn it is, held against a look at all that wait, whatever happens to the lines in between."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine_core.fairness import SPARE_TURNS, Shares
from penstock.engine_core.queues import WaitingQueue
from penstock.engine_core.sequence import Sequence
from penstock.protocol.sampling import SamplingParams

PARAMS = SamplingParams(max_tokens=10)


class Queue:
    """A waiting queue, all that waits in it and all that runs."""

    def __init__(self) -> None:
        self.shares = Shares()
        self.queue = WaitingQueue(self.shares)
        self.waiting: list[Sequence] = []
        self.running: list[Sequence] = []
        self._arrivals = itertools.count()

    def push(self, tenant: str, priority: int = 0) -> None:
        sequence = Sequence(1, [1, 2], PARAMS, tenant=tenant)
        sequence.rank = priority, next(self._arrivals)
        self.queue.push(sequence)
        self.waiting.append(sequence)

    def pop(self) -> None:
        if sequence := self.queue.peek():
            self.queue.pop(sequence)
            self.waiting.remove(sequence)
            self.running.append(sequence)

    def remove(self, at: int) -> None:
        if self.waiting:
            self.queue.remove(self.waiting.pop(at % len(self.waiting)))

    def preempt(self, at: int) -> None:
        if self.running:
            sequence = self.running.pop(at % len(self.running))
            self.queue.push_back(sequence)
            self.waiting.append(sequence)

    def serve(self, at: int, work: int) -> None:
        if self.running:
            line = self.running[at % len(self.running)].line
            assert line is not None
            line.served += work

    def end(self, at: int) -> None:
        if self.running:
            sequence = self.running.pop(at % len(self.running))
            assert sequence.line is not None
            self.shares.left(sequence.line)

    def check(self) -> None:
        """The oracle looks at everybody."""
        self.queue.check()
        expected = min(self.waiting, key=_place, default=None)
        assert self.queue.peek() is expected
        for priority, found in self.shares.classes.items():
            levels = [_place(s)[1] for s in self.waiting if s.rank[0] == priority]
            assert not levels or found.floor == min(levels)


def _place(sequence: Sequence) -> tuple[int, int, int]:
    assert sequence.line is not None
    return sequence.rank[0], sequence.line.served, sequence.rank[1]


WHICH = st.integers(0, 40)
ACTIONS = st.one_of(
    st.tuples(st.just("push"), st.sampled_from("abcde"), st.integers(0, 1)),
    st.tuples(st.just("pop")),
    st.tuples(st.sampled_from(["remove", "preempt", "end"]), WHICH),
    st.tuples(st.just("serve"), WHICH, st.integers(1, 9)),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(ACTIONS, max_size=80), st.booleans())
def test_the_line_that_was_served_least_is_next(actions: list[tuple], looks: bool) -> None:
    """Whether or not somebody looks in between, which is when the heap is put right."""
    queue = Queue()
    for name, *rest in actions:
        getattr(queue, name)(*rest)
        if looks:
            queue.check()
    queue.check()


def test_a_line_that_comes_and_goes_leaves_few_entries() -> None:
    queue = Queue()
    queue.push("steady")
    for _ in range(10 * SPARE_TURNS):
        queue.push("fickle")
        queue.remove(len(queue.waiting) - 1)
        queue.check()


def test_a_preempted_sequence_brings_its_line_forward() -> None:
    queue = Queue()
    for tenant in ("a", "a", "b"):
        queue.push(tenant)
    queue.pop()
    queue.pop()  # a's first and, served as little as b, a's second
    queue.preempt(0)
    queue.check()
    assert queue.queue.peek() is queue.waiting[-1]
