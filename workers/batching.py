"""Turns the rows of a plan into the tensors of a Batch. Knows slots and the cache's layout, not the model.

No row is visited by itself: a decode batch of hundreds costs about as much as one of ten.

T tokens of the step, R rows, B blocks of the longest row, S slots, L places of a slot.
"""

import numpy as np
import torch

from penstock.workers.batch import Batch
from penstock.workers.sampler.rows import Ints
from penstock.workers.slots import Slots


def build_batch(slots: Slots, slots_R: Ints, counts_R: Ints, device: torch.device) -> Batch:
    """Row i is the next `counts_R[i]` tokens of `slots_R[i]`."""
    context_R = slots.num_computed_S[slots_R] + counts_R
    slots_T, positions_T = spread(slots_R, counts_R, context_R)
    blocks_T = slots.blocks_SB[slots_T, positions_T // slots.block_size].astype(np.int64)
    cache_slots_T = blocks_T * slots.block_size + positions_T % slots.block_size
    num_blocks = -(-int(context_R.max()) // slots.block_size)
    tables_RB = slots.blocks_SB[slots_R, :num_blocks]
    return Batch(
        token_ids_T=_to(device, slots.tokens_SL[slots_T, positions_T]),
        positions_T=_to(device, positions_T),
        cache_slots_T=_to(device, cache_slots_T),
        query_lens=tuple(counts_R.tolist()),
        context_lens=tuple(context_R.tolist()),
        block_tables_RB=_to(device, _padded(tables_RB, context_R, slots.block_size)),
    )


def spread(slots_R: Ints, counts_R: Ints, context_R: Ints) -> tuple[Ints, Ints]:
    """The slot and the position of every token of the rows."""
    ends_R = np.cumsum(counts_R)
    positions_T = np.arange(ends_R[-1]) + np.repeat(context_R - ends_R, counts_R)
    return np.repeat(slots_R, counts_R), positions_T


def _padded(tables_RB: np.ndarray, context_R: Ints, block_size: int) -> np.ndarray:
    """Zero beyond each row's context: a slot's earlier owner may have left block ids there."""
    first_place_B = np.arange(tables_RB.shape[1]) * block_size
    return np.where(first_place_B < context_R[:, None], tables_RB, 0)


def _to(device: torch.device, array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(array.astype(np.int64, copy=False)).to(device)
