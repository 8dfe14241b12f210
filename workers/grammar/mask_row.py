"""One sequence's mask: a bit for each token. Knows memory, no grammar.

Touched several times for each token of each sequence, so it is spared numpy's cost for every single word.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

ALL = 0xFFFFFFFF


class MaskRow:
    """Bit i says whether token i may come. Tokens beyond the end are passed over."""

    __slots__ = ("_array", "_words", "address", "num_bytes")

    def __init__(self, words_W: npt.NDArray[np.uint32]) -> None:
        assert words_W.flags.c_contiguous
        self._array = words_W
        self._words = memoryview(words_W.data)
        self.address: int = words_W.ctypes.data
        self.num_bytes = words_W.nbytes

    def allow_all(self) -> None:
        self._array.fill(ALL)

    def allow_none(self) -> None:
        self._array.fill(0)

    def allow(self, tokens: Iterable[int]) -> None:
        words = self._words
        for token in tokens:
            if token >> 5 < len(words):
                words[token >> 5] |= 1 << (token & 31)

    def forbid(self, tokens: Iterable[int]) -> None:
        for token in tokens:
            self.take(token)

    def take(self, token: int) -> bool:
        """Forbids it; whether it was allowed."""
        words, place = self._words, token >> 5
        if place >= len(words) or not words[place] >> (token & 31) & 1:
            return False
        words[place] ^= 1 << (token & 31)
        return True

    def is_empty(self) -> bool:
        return not self._words.tobytes().strip(b"\0")

    def tokens(self) -> list[int]:
        """All that are allowed."""
        bits = np.unpackbits(self._array.view(np.uint8), bitorder="little")
        return np.flatnonzero(bits).tolist()
