"""The tensors of one step, whichever rows it mixes. Knows no sequences, no sampling and no model.

Legend: T tokens of this step.

    token_ids_T   [ row 0: query_lens[0] tokens | row 1 | ... ]      rows lie one after another
    a row         the last query_lens[r] of the context_lens[r] tokens its blocks will then hold
"""

from dataclasses import dataclass

import torch

from penstock.kernels.rows import Rows


@dataclass(frozen=True, slots=True)
class Batch:
    token_ids_T: torch.Tensor
    """int64."""
    positions_T: torch.Tensor
    """int64, the absolute position of each token in its sequence."""
    cache_slots_T: torch.Tensor
    """int64, block_id * block_size + offset: where each token's K and V are written; negative is nowhere."""
    rows: Rows

    def check(self) -> None:
        """Re-derives the shapes; for tests, since it walks every row."""
        query_lens, context_lens = self.rows.query_lens, self.rows.context_lens
        num_tokens = sum(query_lens)
        assert len(query_lens) == len(context_lens) == len(self.rows.block_tables_RB)
        assert all(1 <= q <= c for q, c in zip(query_lens, context_lens, strict=True))
        for tensor in (self.token_ids_T, self.positions_T, self.cache_slots_T):
            assert tensor.shape == (num_tokens,)
            assert tensor.dtype == torch.int64
        rows_end = torch.tensor(query_lens).cumsum(0) - 1
        assert (self.positions_T[rows_end].cpu() + 1).tolist() == list(context_lens)
