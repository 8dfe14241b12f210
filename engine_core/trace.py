"""What happened to one sequence, and when. Knows neither clock nor scheduler nor who asks."""

from typing import Any, NamedTuple, Protocol

from penstock.protocol.timelines import Event

MAX_EVENTS = 48
"""Of those that may come again and again: chunks, preemptions."""


class Progress(Protocol):
    """What is told of a sequence besides events."""

    num_prompt: int
    num_cached: int
    num_preemptions: int
    state: Any

    @property
    def num_output(self) -> int: ...


class Counts(NamedTuple):
    num_prompt: int
    num_cached: int = 0
    num_output: int = 0
    num_preemptions: int = 0


class Moment(NamedTuple):
    """An event, on the engine's clock."""

    at: float
    event: Event
    num_tokens: int = 0


class Trace:
    """Follows one sequence until it ends, and then lets it go: its tokens are not kept for this."""

    __slots__ = (
        "_counts", "_num_preemptions", "finish_reason", "moments", "num_left_out", "sequence",
    )  # fmt: skip

    def __init__(self, sequence: Progress | None, counts: Counts | None = None) -> None:
        """Either the sequence, or the counts of one that never came to be."""
        self.sequence = sequence
        self.moments: list[Moment] = []
        self.num_left_out = 0
        self.finish_reason: str | None = None
        self._counts = counts
        self._num_preemptions = 0

    def add(self, at: float, event: Event, num_tokens: int = 0) -> None:
        if len(self.moments) < MAX_EVENTS:
            self.moments.append(Moment(at, event, num_tokens))
        else:
            self.num_left_out += 1

    def preempted(self, at: float, num_preemptions: int) -> None:
        """As often by now; nothing happened if that is not new."""
        if num_preemptions > self._num_preemptions:
            self._num_preemptions = num_preemptions
            self.add(at, Event.PREEMPTED)

    def end(self, at: float, reason: str) -> None:
        """What is said after the first end counts no more."""
        if self.finish_reason is not None:
            return
        self.finish_reason = reason
        self.moments.append(Moment(at, Event.FINISHED))
        self._counts, self.sequence = self.counts, None

    @property
    def counts(self) -> Counts:
        found = self.sequence
        if found is None:
            assert self._counts is not None
            return self._counts
        return Counts(
            found.num_prompt, max(0, found.num_cached), found.num_output, found.num_preemptions
        )
