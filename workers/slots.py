"""What the worker remembers of each running sequence. Knows tokens and blocks, not models or sampling.

One numpy row per slot, so that a step reads and writes all its rows at once.

    tokens_SL[slot]    [ computed ..... | to compute ... | free ]
                         ^ 0              ^ num_computed   ^ num_tokens

A token that has been sampled, but not heard of yet, is to be computed all the same: its place holds `~slot`, which is
negative, and the device has it.

S slots, L places for tokens, B places for blocks, R rows of one step, N rows that sampled.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from penstock.protocol.plan import BlockGrant, Configure, SeqStart
from penstock.workers.sampler.rows import Ints, Rows


def ids_of(packed: bytes) -> Ints:
    """Packed ids of the wire as an array to index with."""
    return np.frombuffer(packed, dtype="<u4").astype(np.int64)


class Expected(NamedTuple):
    """Tokens still to be heard of: where they belong, and whose they are."""

    slots_N: Ints
    places_N: Ints
    owners_N: Ints


class Slots:
    """The state of all slots."""

    def __init__(self, shape: Configure) -> None:
        self.block_size = shape.block_size
        max_blocks = -(-(shape.max_model_len + 1) // shape.block_size)
        num_slots = shape.max_num_seqs
        # A plan that was made before its sequence was known to end writes one token too many.
        self.tokens_SL = np.zeros((num_slots, shape.max_model_len + 1), dtype=np.int32)
        self.blocks_SB = np.zeros((num_slots, max_blocks), dtype=np.int32)
        self.num_tokens_S = np.zeros(num_slots, dtype=np.int64)
        self.num_computed_S = np.zeros(num_slots, dtype=np.int64)
        self.num_prompt_S = np.zeros(num_slots, dtype=np.int64)
        self.num_blocks_S = np.zeros(num_slots, dtype=np.int64)
        self._owner_S = np.zeros(num_slots, dtype=np.int64)

    @property
    def num_slots(self) -> int:
        return len(self.num_tokens_S)

    def free(self, slots_F: Ints) -> None:
        """Forgets these sequences."""
        self._owner_S[slots_F] += 1
        for column_S in (self.num_tokens_S, self.num_computed_S, self.num_prompt_S):
            column_S[slots_F] = 0
        self.num_blocks_S[slots_F] = 0

    def start(self, start: SeqStart) -> None:
        """A sequence takes a slot that is free."""
        assert self.num_tokens_S[start.slot] == 0, f"slot {start.slot} is taken"
        token_ids = ids_of(start.token_ids)
        assert start.num_computed < len(token_ids)
        self.tokens_SL[start.slot, : len(token_ids)] = token_ids
        self.num_tokens_S[start.slot] = len(token_ids)
        self.num_computed_S[start.slot] = start.num_computed
        self.num_prompt_S[start.slot] = start.num_prompt

    def grant(self, grant: BlockGrant) -> None:
        """Appends blocks to a slot's table."""
        block_ids = ids_of(grant.block_ids)
        held = int(self.num_blocks_S[grant.slot])
        self.blocks_SB[grant.slot, held : held + len(block_ids)] = block_ids
        self.num_blocks_S[grant.slot] = held + len(block_ids)

    def advance(self, slots_R: Ints, counts_R: Ints) -> None:
        """These rows have been computed."""
        self.num_computed_S[slots_R] += counts_R

    def append(self, slots_R: Ints, token_ids_R: Ints) -> None:
        """One sampled token for each of these slots."""
        self.tokens_SL[slots_R, self.num_tokens_S[slots_R]] = token_ids_R
        self.num_tokens_S[slots_R] += 1

    def expect(self, slots_N: Ints) -> Expected:
        """Each of these slots has one token more, whichever it is."""
        places_N = self.num_tokens_S[slots_N]
        self.tokens_SL[slots_N, places_N] = ~slots_N
        self.num_tokens_S[slots_N] = places_N + 1
        return Expected(slots_N, places_N, self._owner_S[slots_N])

    def learn(self, expected: Expected, token_ids_N: Ints) -> npt.NDArray[np.bool_]:
        """Which of these tokens' sequences are still here; the others' slots may be others' by now."""
        slots_N, places_N, owners_N = expected
        here_N: npt.NDArray[np.bool_] = self._owner_S[slots_N] == owners_N
        self.tokens_SL[slots_N[here_N], places_N[here_N]] = token_ids_N[here_N]
        return here_N

    def catch_up(self, slots_R: Ints, counts_R: Ints, tails_R: Ints) -> None:
        """Each row's newest token, where it was sampled elsewhere and this is the first to be heard of it."""
        lacking_R = self.num_computed_S[slots_R] + counts_R > self.num_tokens_S[slots_R]
        self.append(slots_R[lacking_R], tails_R[lacking_R])

    def sampling(self, slots_R: Ints, counts_R: Ints) -> npt.NDArray[np.bool_]:
        """Which rows reach the end of what they know, and so sample."""
        reached_R: npt.NDArray[np.bool_] = (
            self.num_computed_S[slots_R] + counts_R == self.num_tokens_S[slots_R]
        )
        return reached_R

    def prompt_after(self, slot: int, count: int) -> Ints:
        """The prompt tokens that the next `count` positions of a slot predict."""
        first = int(self.num_computed_S[slot]) + 1
        end = min(first + count, int(self.num_prompt_S[slot]))
        return self.tokens_SL[slot, first:end].astype(np.int64)

    def rows(self, slots_R: Ints) -> Rows:
        """These slots as the sampler sees them."""
        lengths_R, num_prompt_R = self.num_tokens_S[slots_R], self.num_prompt_S[slots_R]
        return Rows(slots_R, lengths_R, num_prompt_R, self.tokens_SL)

    def check(self, slots_R: Ints, counts_R: Ints) -> None:
        """What every plan promises; cheap enough to hold at every step."""
        ends_R = self.num_computed_S[slots_R] + counts_R
        room_R = self.num_blocks_S[slots_R] * self.block_size
        assert counts_R.min() > 0, "a row without tokens"
        assert (ends_R <= self.num_tokens_S[slots_R]).all(), "a row computes tokens nobody knows"
        assert (ends_R <= room_R).all(), "a row has fewer blocks than tokens"
