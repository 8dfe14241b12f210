"""Follows an answer through its thinking. Knows tokens and their bytes, no grammar and no mask."""

import enum
from collections.abc import Callable

from penstock.protocol.constraint import Thinking


class Phase(enum.Enum):
    """Where an answer is."""

    OPENING = enum.auto()
    """It may still turn out to begin with the thinking's start."""
    INSIDE = enum.auto()
    CLOSING = enum.auto()
    """The budget is spent: the end is being said."""
    ANSWERING = enum.auto()


class ThinkingTracker:
    """`push` each token; `phase` is where the next one will stand.

    An end of several tokens is found by its bytes: a model may spell it with others than those of `end_ids`,
    and the last of them may go on behind it. `rest` is what then already belongs to the answer.
    """

    def __init__(self, thinking: Thinking, bytes_of: Callable[[int], bytes]) -> None:
        assert thinking.end_ids
        assert thinking.begins_inside or thinking.start_ids
        self._thinking = thinking
        self._bytes_of = bytes_of
        self._end_text = b"".join(map(bytes_of, thinking.end_ids))
        self._tail = b""
        self._num_opened = 0
        self._num_inside = 0
        self._num_closed = 0
        self.rest = b""
        self.phase = Phase.OPENING
        if thinking.begins_inside:
            self._enter()

    @property
    def expected(self) -> int:
        """The token that goes on with the start, or with the end that is being said."""
        if self.phase is Phase.OPENING:
            return self._thinking.start_ids[self._num_opened]
        assert self.phase is Phase.CLOSING
        return self._thinking.end_ids[self._num_closed]

    def push(self, token: int) -> None:
        match self.phase:
            case Phase.OPENING:
                self._open(token)
            case Phase.INSIDE:
                self._think(token)
            case Phase.CLOSING:
                self._close()
            case Phase.ANSWERING:
                pass

    def _open(self, token: int) -> None:
        if token != self.expected:
            self.phase = Phase.ANSWERING
            return
        self._num_opened += 1
        if self._num_opened == len(self._thinking.start_ids):
            self._enter()

    def _enter(self) -> None:
        self.phase = Phase.INSIDE
        self._check_budget()

    def _think(self, token: int) -> None:
        self._num_inside += 1
        self._tail += self._bytes_of(token)
        if self._ends(token):
            self.phase = Phase.ANSWERING
            return
        self._tail = self._tail[-len(self._end_text) :]
        self._check_budget()

    def _ends(self, token: int) -> bool:
        if len(self._thinking.end_ids) == 1:  # often a special token, which no other text can spell
            return token == self._thinking.end_ids[0]
        _, found, self.rest = self._tail.partition(self._end_text)
        return bool(found)

    def _check_budget(self) -> None:
        if 0 <= self._thinking.budget <= self._num_inside:
            self.phase = Phase.CLOSING

    def _close(self) -> None:
        self._num_closed += 1
        if self._num_closed == len(self._thinking.end_ids):
            self.phase = Phase.ANSWERING
