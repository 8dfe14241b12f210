"""Follows an answer through its thinking. Knows tokens and their bytes, no grammar and no mask."""

import enum
from collections.abc import Callable
from typing import NamedTuple

from penstock.protocol.constraint import Thinking


class Phase(enum.Enum):
    """Where an answer is."""

    OPENING = enum.auto()
    """Nothing has been said of it: it may still begin with thinking, and with what stands before it."""
    INSIDE = enum.auto()
    CLOSING = enum.auto()
    """The budget is spent: the end is being said."""
    ANSWERING = enum.auto()


class _End(NamedTuple):
    ids: tuple[int, ...]
    text: bytes
    begins_answer: bool


class _Opener(NamedTuple):
    ids: tuple[int, ...]
    thinks: bool
    """Else the answer comes next, as if nothing had been said."""


def _ends_of(thinking: Thinking, bytes_of: Callable[[int], bytes]) -> list[_End]:
    return [
        _End(ids, b"".join(map(bytes_of, ids)), begins_answer)
        for all_ids, begins_answer in ((thinking.ends, False), (thinking.answer_starts, True))
        for ids in all_ids
    ]


def _openers_of(thinking: Thinking) -> list[_Opener]:
    starts = (thinking.start_ids, *thinking.other_starts)
    return [
        *(_Opener(ids, thinks=True) for ids in starts if ids),
        *(_Opener(ids, thinks=False) for ids in thinking.prefaces),
    ]


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
        self._ends = _ends_of(thinking, bytes_of)
        self._longest = max(len(end.text) for end in self._ends)
        self._lone = {end.ids[0]: end for end in self._ends if len(end.ids) == 1}
        self._openers = _openers_of(thinking)
        self._tail = b""
        self._said: tuple[int, ...] = ()
        self._num_inside = 0
        self._num_closed = 0
        self._has_thought = False
        self.is_prefaced = False
        """Whether a preface ended with the last token."""
        self.begun: tuple[int, ...] = ()
        self.rest = b""
        self.phase = Phase.OPENING
        if thinking.begins_inside:
            self._enter()

    @property
    def expected(self) -> tuple[int, ...]:
        """Tokens that go on with what may stand before the answer, or with the end that is being said.

        Who has thought is not asked to think again.
        """
        if self.phase is Phase.CLOSING:
            return (self._thinking.ends[0][self._num_closed],)
        assert self.phase is Phase.OPENING
        asked = [each for each in self._going_on() if not (each.thinks and self._has_thought)]
        return tuple(each.ids[len(self._said)] for each in asked)

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
        """Before anything has been said, thinking may begin, or begin again."""
        before, self._said = self._said, (*self._said, token)
        going_on, self.is_prefaced = self._going_on(), False
        if whole := next((each for each in going_on if each.ids == self._said), None):
            self._said = ()
            self._opened(whole)
        elif not going_on:
            self._said = ()
            if before or not self._says_nothing(token):
                self.phase = Phase.ANSWERING

    def _going_on(self) -> list[_Opener]:
        """The openers that begin with what has been said."""
        num_said = len(self._said)
        return [each for each in self._openers if each.ids[:num_said] == self._said]

    def _opened(self, opener: _Opener) -> None:
        if opener.thinks:
            self._enter()
        else:
            self.is_prefaced = True

    def _says_nothing(self, token: int) -> bool:
        """It is blank, or ends what has not begun."""
        end = self._lone.get(token)
        return not self._bytes_of(token).strip() if end is None else not end.begins_answer

    def _enter(self) -> None:
        self.phase, self._has_thought = Phase.INSIDE, True
        self._num_closed = 0
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
        self.begun = end.ids if end.begins_answer else ()
        has_begun = self.begun or self.rest.strip()
        self.phase = Phase.ANSWERING if has_begun else Phase.OPENING

    def _check_budget(self) -> None:
        if 0 <= self._thinking.budget <= self._num_inside:
            self.phase = Phase.CLOSING

    def _close(self) -> None:
        self._num_closed += 1
        if self._num_closed == len(self._thinking.ends[0]):
            self.phase = Phase.OPENING
