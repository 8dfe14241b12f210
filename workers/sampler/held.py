"""Who knows what constrained sequences may say: by masks of all that may come, or token by token. Knows no grammar.

S slots, N rows with a constraint.
"""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from penstock.workers.sampler.masks import Words
from penstock.workers.sampler.rows import Ints

Bools = npt.NDArray[np.bool_]


class SlotMasks(Protocol):
    """Masks of all that may come next, made beside the steps: for tokens that are not at hand when they are drawn."""

    words_SW: Words
    """A row of bits for each slot, one for each token."""

    def ready(self, slots_N: Ints) -> Bools:
        """Which of these slots have a mask for their next token; waits for it."""
        ...

    def failures(self, slots_R: Ints) -> list[tuple[int, str]]:
        """Places in `slots_R` of sequences that can say nothing more, and why; known since `ready`."""
        ...


class SlotChecks(Protocol):
    """Says whether a token may come, and has masks for those that drew one that may not."""

    words_SW: Words
    """See `SlotMasks`."""

    def refused(self, slots_N: Ints, token_ids_N: Ints) -> Ints:
        """Places of tokens that may not come; each of these slots has a mask then. The other tokens have been said."""
        ...

    def push(self, slots_N: Ints, token_ids_N: Ints) -> None:
        """What the refused have drawn by their masks."""
        ...

    def failures(self, slots_R: Ints) -> list[tuple[int, str]]:
        """See `SlotMasks`; known since `refused`."""
        ...
