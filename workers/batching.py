"""Turns the rows of a plan into the numbers of a step. Knows slots and the cache's layout, not the model.

No row is visited by itself: a decode batch of hundreds costs about as much as one of ten.

T tokens of the step, R rows, N rows that sample, B blocks of the longest row, S slots, L places of a slot.
"""

import numpy as np
import torch

from penstock.workers.extent import Extent
from penstock.workers.sampler.rows import Ints
from penstock.workers.slots import Slots
from penstock.workers.step_inputs import StepInputs

NOWHERE = -1
"""The cache slot of a token that is not to be written."""


def extent_of(slots: Slots, slots_R: Ints, counts_R: Ints, num_samples: int) -> Extent:
    """How much room the rows' numbers take."""
    longest = int((slots.num_computed_S[slots_R] + counts_R).max())
    num_blocks = -(-longest // slots.block_size)
    return Extent(int(counts_R.sum()), len(slots_R), num_samples, num_blocks)


def fill_inputs(
    inputs: StepInputs, slots: Slots, slots_R: Ints, counts_R: Ints, samples_N: Ints
) -> None:
    """Row i is the next `counts_R[i]` tokens of `slots_R[i]`; what room is left becomes rows of padding.

    Such a row has one token and no context, and leaves no trace.
    """
    context_R = slots.num_computed_S[slots_R] + counts_R
    slots_T, positions_T = spread(slots_R, counts_R, context_R)
    blocks_T = slots.blocks_SB[slots_T, positions_T // slots.block_size].astype(np.int64)
    ends_R = np.cumsum(counts_R)
    _put(inputs.token_ids_T, slots.tokens_SL[slots_T, positions_T], 0)
    _put(inputs.positions_T, positions_T, 0)
    cache_slots_T = blocks_T * slots.block_size + positions_T % slots.block_size
    _put(inputs.cache_slots_T, cache_slots_T, NOWHERE)
    _put(inputs.last_N, ends_R[samples_N] - 1, 0)
    _put(inputs.slots_N, slots_R[samples_N], 0)
    num_padding = inputs.num_rows - len(slots_R)
    starts_P = np.append(0, ends_R)
    _put(inputs.starts_P, starts_P, starts_P[-1] + 1 + np.arange(num_padding))
    _put(inputs.context_R, context_R, 0)
    num_blocks = inputs.block_tables_RB.shape[1]
    _put(inputs.block_tables_RB, slots.blocks_SB[slots_R, :num_blocks], 0)


def pad_inputs(inputs: StepInputs) -> None:
    """Rows of padding alone."""
    for view in (inputs.token_ids_T, inputs.positions_T, inputs.last_N, inputs.slots_N):
        view.zero_()
    inputs.cache_slots_T.fill_(NOWHERE)
    inputs.starts_P.copy_(torch.arange(inputs.num_rows + 1))
    inputs.context_R.zero_()
    inputs.block_tables_RB.zero_()


def spread(slots_R: Ints, counts_R: Ints, context_R: Ints) -> tuple[Ints, Ints]:
    """The slot and the position of every token of the rows."""
    ends_R = np.cumsum(counts_R)
    positions_T = np.arange(counts_R.sum()) + np.repeat(context_R - ends_R, counts_R)
    return np.repeat(slots_R, counts_R), positions_T


def _put(to: torch.Tensor, values: np.ndarray, rest: int | np.ndarray) -> None:
    array = to.numpy()
    array[: len(values)] = values
    array[len(values) :] = rest
