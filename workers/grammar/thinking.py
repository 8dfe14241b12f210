"""Follows an answer through its thinking. Knows tokens and their bytes, no grammar and no mask."""

import enum
from collections.abc import Callable
from typing import NamedTuple

from penstock.protocol.constraint import Thinking


class Phase(enum.Enum):
    """Where an answer is."""

    OPENING = enum.auto()
    """It may still turn out to begin with the thinking's start."""
    INSIDE = enum.auto()
    CLOSING = enum.auto()
    """The budget is spent: the end is being said."""
    ANSWERING = enum.auto()


class _End(NamedTuple):
    ids: tuple[int, ...]
    text: bytes
    begins_answer: bool


class ThinkingTracker:
    """`push` each token; `phase` is where the next one will stand.

    An end is found by its bytes: a model may spell it with others than its own tokens, and the last of them may
    go on behind it. `begun` and `rest` are what then already belongs to the answer.
    """

    def __init__(self, thinking: Thinking, bytes_of: Callable[[int], bytes]) -> None:
        assert thinking.ends
        assert thinking.begins_inside or thinking.start_ids
        self._thinking = thinking
        self._bytes_of = bytes_of
        self._ends = [
            _End(ids, b"".join(map(bytes_of, ids)), begins)
            for all_ids, begins in ((thinking.ends, False), (thinking.answer_starts, True))
            for ids in all_ids
        ]
        self._longest = max(len(end.text) for end in self._ends)
        self._lone = {end.ids[0]: end for end in self._ends if len(end.ids) == 1}
        self._tail = b""
        self._num_opened = 0
        self._num_inside = 0
        self._num_closed = 0
        self._may_open = True
        self.begun: tuple[int, ...] = ()
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
        return self._thinking.ends[0][self._num_closed]

    def push(self, token: int) -> None:
        match self.phase:
            case Phase.OPENING:
                self._open(token)
            case Phase.INSIDE:
                self._think(token)
            case Phase.CLOSING:
                self._close()
            case Phase.ANSWERING:
                if self._may_open:
                    self._open(token)

    def _open(self, token: int) -> None:
        """Before anything has been said, thinking may begin, or begin again."""
        start = self._thinking.start_ids
        if start and token == start[self._num_opened]:
            self._num_opened += 1
            if self._num_opened == len(start):
                self._enter()
        elif self._num_opened or not self._says_nothing(token):
            self._may_open, self.phase = False, Phase.ANSWERING

    def _says_nothing(self, token: int) -> bool:
        """It is blank, or ends what has not begun."""
        end = self._lone.get(token)
        return not self._bytes_of(token).strip() if end is None else not end.begins_answer

    def _enter(self) -> None:
        self.phase = Phase.INSIDE
        self._num_opened = self._num_closed = 0
        self._tail = self.rest = b""
        self._check_budget()

    def _think(self, token: int) -> None:
        self._tail += self._bytes_of(token)
        found = self._found(token)
        if found is not None:
            self._answer(found)
            return
        self._num_inside += 1
        self._tail = self._tail[-self._longest :]
        self._check_budget()

    def _found(self, token: int) -> _End | None:
        """The leftmost end, of two that begin together the shorter; `rest` is what comes behind it."""
        if token in self._lone:  # often a special token
            return self._lone[token]
        places = [(self._tail.find(end.text), len(end.text), end) for end in self._ends]
        found = min((place for place in places if place[0] >= 0), default=None)
        if found is None:
            return None
        self.rest = self._tail[found[0] + found[1] :]
        return found[2]

    def _answer(self, end: _End) -> None:
        self.phase = Phase.ANSWERING
        self.begun = end.ids if end.begins_answer else ()
        self._may_open = not self.begun and not self.rest.strip()

    def _check_budget(self) -> None:
        if 0 <= self._thinking.budget <= self._num_inside:
            self.phase = Phase.CLOSING

    def _close(self) -> None:
        self._num_closed += 1
        if self._num_closed == len(self._thinking.ends[0]):
            self.phase = Phase.ANSWERING
