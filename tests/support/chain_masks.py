"""Stands in for grammars: what a sequence may say next depends on all it has said. Knows slots, no threads.

A token that is missing, doubled, late or another sequence's shows in every token after it.
"""

from collections.abc import Sequence

import numpy as np

from penstock.protocol.sampling import SamplingParams

Ints = np.ndarray


class ChainMasks:
    def __init__(self, num_slots: int, vocab_size: int) -> None:
        self._vocab_size = vocab_size
        self._said: dict[int, int] = {}
        self.words_SW = np.zeros((num_slots, -(-vocab_size // 32)), dtype=np.uint32)

    def start(self, slot: int, params: SamplingParams, output: Sequence[int]) -> None:
        self._said[slot] = 1
        self._push(slot, output)

    def free(self, slots_F: Ints) -> None:
        for slot in slots_F.tolist():
            self._said.pop(slot, None)

    def advance(self, slots_N: Ints, token_ids_N: Ints) -> None:
        for slot, token in zip(slots_N.tolist(), token_ids_N.tolist(), strict=True):
            if slot in self._said:
                self._push(slot, [token])

    def ready(self, slots_N: Ints) -> np.ndarray:
        return np.array([slot in self._said for slot in slots_N.tolist()])

    def failures(self, slots_R: Ints) -> list[tuple[int, str]]:
        slots = enumerate(slots_R.tolist())
        return [
            (row, f"{said}") for row, slot in slots if (said := self._said.get(slot, 0)) % 5 == 4
        ]

    def _push(self, slot: int, tokens: Sequence[int]) -> None:
        for token in tokens:
            assert 0 <= token < self._vocab_size, token
            self._said[slot] = (self._said[slot] * 31 + token + 1) % 1009
        allowed = (np.arange(32 * self.words_SW.shape[1]) + self._said[slot]) % 3 == 0
        self.words_SW[slot] = np.packbits(allowed, bitorder="little").view(np.uint32)
