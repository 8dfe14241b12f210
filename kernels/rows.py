"""Whose the tokens of a step are, and where their keys and values lie. Knows no sequences and no model.

Legend: T tokens of the step, R rows (one sequence each), P = R + 1, B blocks of the longest row.

    tokens   [ row 0 | row 1 | ... ]    row r's are [starts_P[r], starts_P[r + 1])
    a row    the last of the context_R[r] tokens that its blocks then hold
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch


@dataclass(frozen=True, slots=True)
class Rows:
    """The host's numbers and the device's tensors say the same; what runs on a GPU reads the tensors.

    A launch takes from the host's numbers only how large it must be, so a captured one may be replayed
    over other tensors as long as the numbers it was captured with are bounds of theirs.
    """

    query_lens: tuple[int, ...]
    """Tokens of each row in this step."""
    context_lens: tuple[int, ...]
    """Tokens of each row in the cache; a row of one token may have none, and attends to nothing."""
    max_query_len: int
    num_single: int
    """Rows of one token."""
    starts_P: torch.Tensor
    """int32, the running sum of `query_lens` from 0."""
    context_R: torch.Tensor
    """int32, `context_lens`."""
    block_tables_RB: torch.Tensor
    """Block ids; whatever lies beyond a row's context is never used."""

    @classmethod
    def of(
        cls, query_lens: Sequence[int], context_lens: Sequence[int], block_tables_RB: torch.Tensor
    ) -> "Rows":
        """Copies both lists to where the tables lie."""
        assert len(query_lens) == len(context_lens) == len(block_tables_RB)
        device = block_tables_RB.device
        starts = list(accumulate(query_lens, initial=0))
        return cls(
            tuple(query_lens),
            tuple(context_lens),
            max(query_lens),
            sum(query_len == 1 for query_len in query_lens),
            torch.tensor(starts, dtype=torch.int32).to(device, non_blocking=True),
            torch.tensor(context_lens, dtype=torch.int32).to(device, non_blocking=True),
            block_tables_RB,
        )
