"""Answers the likeliest of the sequences that were generated. Knows pieces and counts, not the answer's shape."""

from collections.abc import Sequence

from msgspec.structs import replace

from penstock.frontend.api.shapes import Collector, Tally
from penstock.frontend.generation import Piece
from penstock.frontend.prompts import ValidRequest
from penstock.frontend.text import logprobs


class BestOf:
    """`Collector` of all sequences that answers the n of each prompt whose tokens were likeliest on average."""

    def __init__(self, collector: Collector, request: ValidRequest, tally: Tally) -> None:
        self._collector, self._tally = collector, tally
        self._n, self._best_of = request.n, request.best_of
        self._sequences: list[list[Piece]] = [
            [] for _ in range(len(request.prompts) * request.best_of)
        ]

    def add(self, piece: Piece) -> None:
        self._sequences[piece.choice].append(piece)

    def answer(self) -> object:
        for index, first in enumerate(range(0, len(self._sequences), self._best_of)):
            sequences = self._sequences[first : first + self._best_of]
            sequences.sort(key=_mean_logprob, reverse=True)
            for choice, sequence in enumerate(sequences[: self._n], index * self._n):
                for piece in sequence:
                    self._collector.add(replace(piece, choice=choice))
            for sequence in sequences[self._n :]:
                self._tally.discard(sequence)
        return self._collector.answer()


def _mean_logprob(sequence: Sequence[Piece]) -> float:
    values = [
        row.values[0]
        for piece in sequence
        if piece.update.logprobs is not None
        for row in logprobs.rows(piece.update.logprobs, piece.num_tokens)
    ]
    return sum(values) / max(1, len(values))
