"""The tensors of one step, whichever rows it mixes. Knows no sequences, no sampling and no model.

Legend: T tokens of this step, R rows (one sequence each), B blocks of the longest block table.

    token_ids_T   [ row 0: query_lens[0] tokens | row 1 | ... ]      rows lie one after another
    a row         the last query_lens[r] of the context_lens[r] tokens its blocks will then hold
"""

from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class Batch:
    token_ids_T: torch.Tensor
    """int64."""
    positions_T: torch.Tensor
    """int64, the absolute position of each token in its sequence."""
    cache_slots_T: torch.Tensor
    """int64, block_id * block_size + offset: where each token's K and V are written."""
    query_lens: tuple[int, ...]
    """Tokens of each row in this step; the sum is T."""
    context_lens: tuple[int, ...]
    """Tokens of each row in the cache once this step's are written."""
    block_tables_RB: torch.Tensor
    """int64 block ids, padded with 0."""

    def check(self) -> None:
        """Re-derives the shapes; for tests, since it walks every row."""
        num_tokens = sum(self.query_lens)
        assert len(self.query_lens) == len(self.context_lens) == len(self.block_tables_RB)
        assert all(1 <= q <= c for q, c in zip(self.query_lens, self.context_lens, strict=True))
        for tensor in (self.token_ids_T, self.positions_T, self.cache_slots_T):
            assert tensor.shape == (num_tokens,)
            assert tensor.dtype == torch.int64
        rows_end = torch.tensor(self.query_lens).cumsum(0) - 1
        assert (self.positions_T[rows_end].cpu() + 1).tolist() == list(self.context_lens)
