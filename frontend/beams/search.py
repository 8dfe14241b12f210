"""Which beams go on, which are finished, and which are best. Knows no engine: continuations are handed in.

    running   [ width beams, likeliest first ]  --continuations of each-->  candidates
    finished  [ at most width, best score first ]  <--those that end, if among the first width candidates

The rules are those of transformers' `generate(num_beams=...)`, to which tests hold the answers equal. A
score is the sum of a beam's log probabilities over its length to the power of `length_penalty`.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import msgspec

EarlyStopping = bool | Literal["never"]


class BeamRules(msgspec.Struct, frozen=True, kw_only=True):
    """What one search is asked to do."""

    width: int
    max_tokens: int
    min_tokens: int = 0
    end_ids: frozenset[int] = frozenset()
    """Tokens that finish a beam; they count as its last."""
    length_penalty: float = 1.0
    early_stopping: EarlyStopping = False
    """True ends with `width` finished beams, False when none better is likely, "never" when none can come."""

    @property
    def num_continuations(self) -> int:
        """So many of each beam are enough: even if every end is among them, `width` of them go on."""
        return self.width + len(self.end_ids)


class Continuations(NamedTuple):
    """A beam's likeliest next tokens, likeliest first, and their log probabilities."""

    ids: Sequence[int]
    logprobs: Sequence[float]


class Beam(msgspec.Struct, frozen=True):
    """A token behind the beam it continues; the root has none of its own."""

    total: float = 0.0
    """Log probability of all its tokens together."""
    length: int = 0
    parent: "Beam | None" = None
    place: int = -1
    """Its token's place among its parent's continuations."""
    choices: Continuations = Continuations((), ())
    """Its parent's continuations."""

    @property
    def token(self) -> int:
        return self.choices.ids[self.place]

    def path(self) -> list["Beam"]:
        """From the beam's first token to its last."""
        path, beam = [], self
        while beam.parent is not None:
            path.append(beam)
            beam = beam.parent
        return path[::-1]

    def extended(self, choices: Continuations) -> Iterator["Beam"]:
        for place, logprob in enumerate(choices.logprobs):
            if math.isfinite(logprob):
                yield Beam(self.total + logprob, self.length + 1, self, place, choices)


class _Finished(NamedTuple):
    score: float
    beam: Beam


class BeamSearch:
    """`while not search.is_done: search.advance(continuations of each of search.running)`, then `best`."""

    def __init__(self, rules: BeamRules) -> None:
        self.rules = rules
        self.running = [Beam()]
        """All of one length."""
        self._finished: list[_Finished] = []
        self.is_done = False

    def advance(self, continuations: Sequence[Continuations]) -> None:
        """One token further; `continuations` of each running beam, in their order."""
        assert not self.is_done
        candidates = self._candidates(continuations)
        width, length = self.rules.width, self.running[0].length + 1
        is_last = length >= self.rules.max_tokens
        self._finish([b for b in candidates[:width] if is_last or self.ends(b)])
        self.running = [b for b in candidates if not (is_last or self.ends(b))][:width]
        self.is_done = not self.running or self._is_settled(length)

    def best(self, num: int) -> list[Beam]:
        """At most `num` finished beams, best first."""
        return [finished.beam for finished in self._finished[:num]]

    def ends(self, beam: Beam) -> bool:
        """Whether its last token is one that ends it."""
        return beam.token in self.rules.end_ids

    def score(self, beam: Beam) -> float:
        return _score(beam.total, beam.length, self.rules.length_penalty)

    def _candidates(self, continuations: Sequence[Continuations]) -> list[Beam]:
        may_end = self.running[0].length >= self.rules.min_tokens
        every = (
            beam
            for parent, choices in zip(self.running, continuations, strict=True)
            for beam in parent.extended(choices)
            if may_end or not self.ends(beam)
        )
        return sorted(every, key=lambda beam: -beam.total)

    def _finish(self, beams: Sequence[Beam]) -> None:
        scored = [*self._finished, *(_Finished(self.score(beam), beam) for beam in beams)]
        scored.sort(key=lambda finished: -finished.score)
        self._finished = scored[: self.rules.width]

    def _is_settled(self, length: int) -> bool:
        """Whether running beams would not, or must not, replace finished ones."""
        rules = self.rules
        if len(self._finished) < rules.width:
            return False
        if rules.early_stopping is True:
            return True
        hopes_for_length = rules.early_stopping == "never" and rules.length_penalty > 0
        longest = rules.max_tokens if hopes_for_length else length
        hope = _score(self.running[0].total, longest, rules.length_penalty)
        return hope <= self._finished[-1].score


def _score(total: float, length: int, length_penalty: float) -> float:
    return float(total / length**length_penalty)
