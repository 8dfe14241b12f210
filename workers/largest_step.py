"""The largest step that a rank may be given, with tokens of no meaning. Knows a model, not who measures it.

Of a cache it needs one block: every row reads and writes that.
T tokens of the step, R rows.
"""

from dataclasses import dataclass

import numpy as np
import torch

from penstock.kernels.draws import DRAW
from penstock.kernels.rows import Rows
from penstock.protocol.step_bounds import StepBounds
from penstock.workers.batch import Batch
from penstock.workers.kv_cache import KVCache
from penstock.workers.models.decoder import DecoderModel
from penstock.workers.sampler.ops import sampling_on

DECODED_CONTEXT = 4096
"""Tokens behind a row of one token. What attention puts aside for a row grows little with them."""


@dataclass(frozen=True, slots=True)
class LargestStep:
    """One prompt of all the tokens, and as many rows of one token as there may be, which are sampled."""

    model: DecoderModel
    bounds: StepBounds
    cache_dtype: torch.dtype
    block_size: int

    @torch.inference_mode()
    def prompt(self) -> None:
        """See above."""
        tokens = self.bounds.num_tokens
        self._forward([tokens], [tokens])

    @torch.inference_mode()
    def decode(self) -> None:
        """See above."""
        model, rows = self.model, self.bounds.num_seqs
        context = min(DECODED_CONTEXT, model.config.max_position)
        hidden_TD = self._forward([1] * rows, [context] * rows)
        if model.company.part.is_last:
            _sample(model.logits(hidden_TD))

    def _forward(self, query_lens: list[int], context_lens: list[int]) -> torch.Tensor:
        model, device = self.model, self.model.device
        cache = KVCache(model.config, 1, self.block_size, self.cache_dtype, device)
        return model.forward(_batch(query_lens, context_lens, self.block_size, device), cache)


def _batch(
    query_lens: list[int], context_lens: list[int], block_size: int, device: torch.device
) -> Batch:
    spans = zip(query_lens, context_lens, strict=True)
    positions_T = np.concatenate([np.arange(context - query, context) for query, context in spans])
    num_blocks = -(-max(context_lens) // block_size)
    positions = torch.from_numpy(positions_T).to(device)
    tables_RB = torch.zeros(len(query_lens), num_blocks, dtype=torch.int64, device=device)
    return Batch(
        token_ids_T=torch.zeros_like(positions),
        positions_T=positions,
        cache_slots_T=positions % block_size,
        rows=Rows.of(query_lens, context_lens, tables_RB),
    )


def _sample(logits_RV: torch.Tensor) -> None:
    """With the filters that take most; rows that want log probabilities keep their logits as they were."""
    kept_RV = logits_RV.clone()
    draws_R = np.zeros(len(logits_RV), dtype=DRAW)
    draws_R["temperature"], draws_R["top_p"], draws_R["uniform"] = 1.0, 0.9, 0.5
    sampling_on(logits_RV.device).choose(logits_RV, draws_R)
    del kept_RV
