"""The arrays of a step against the plain numpy that makes the torch path's batch."""

import numpy as np
import pytest
import torch

from penstock.kernels.cpu.program import CStep
from penstock.kernels.cpu.step_filler import SlotArrays, StepFiller
from penstock.protocol.plan import Configure
from penstock.workers.batching import extent_of, fill_inputs
from penstock.workers.slots import Slots
from penstock.workers.step_inputs import inputs_in

SHAPE = Configure(200, 16, 6, 100, 64)


def make_slots(seed):
    dice, slots = np.random.default_rng(seed), Slots(SHAPE)
    slots.tokens_SL[:] = dice.integers(0, 1000, slots.tokens_SL.shape)
    slots.blocks_SB[:] = dice.integers(0, 200, slots.blocks_SB.shape)
    slots.num_computed_S[:] = dice.integers(0, 70, 6)
    return slots


def array_at(address, shape):
    buffer = np.ctypeslib.as_array(
        np.ctypeslib.ctypes.cast(address, np.ctypeslib.ctypes.POINTER(np.ctypeslib.ctypes.c_int32)),
        shape,
    )
    return torch.from_numpy(buffer.astype(np.int64))


def check(step: CStep, slots, slots_R, counts_R, samples_N):
    extent = extent_of(slots, slots_R, counts_R, len(samples_N))
    inputs = inputs_in(torch.zeros(extent.num_bytes, dtype=torch.uint8), extent)
    fill_inputs(inputs, slots, slots_R, counts_R, samples_N)
    num_tokens, num_rows = step.num_tokens, step.num_rows
    assert (num_tokens, num_rows) == (counts_R.sum(), len(slots_R))
    assert torch.equal(array_at(step.token_ids, (num_tokens,)), inputs.token_ids_T)
    assert torch.equal(array_at(step.positions, (num_tokens,)), inputs.positions_T)
    assert torch.equal(array_at(step.query_lens, (num_rows,)), inputs.starts_P.diff().long())
    assert torch.equal(array_at(step.context_lens, (num_rows,)), inputs.context_R.long())
    starts_R = np.cumsum(counts_R) - counts_R
    assert array_at(step.first_tokens, (num_rows,)).tolist() == starts_R.tolist()
    rows_T = np.repeat(np.arange(num_rows), counts_R)
    assert array_at(step.token_rows, (num_tokens,)).tolist() == rows_T.tolist()
    last_R = starts_R + counts_R - 1
    assert array_at(step.sample_tokens, (len(samples_N),)).tolist() == last_R[samples_N].tolist()
    tables = array_at(step.block_tables, (num_rows, step.table_stride))
    for row, context in enumerate(inputs.context_R.tolist()):
        num_blocks = -(-context // 16)
        assert torch.equal(tables[row, :num_blocks], inputs.block_tables_RB[row, :num_blocks])


@pytest.mark.parametrize("seed", range(20))
def test_equals_the_batch_of_the_torch_path(seed, cpu_library):
    slots = make_slots(seed)
    arrays = SlotArrays(slots.tokens_SL, slots.blocks_SB, slots.num_computed_S, 16)
    filler, dice = StepFiller(cpu_library, arrays, 64), np.random.default_rng(seed)
    for _ in range(5):
        slots_R = dice.permutation(6)[: dice.integers(1, 7)].astype(np.int64)
        counts_R = dice.integers(1, 11, len(slots_R)).astype(np.int64)
        samples_N = np.flatnonzero(dice.integers(0, 2, len(slots_R)))
        check(filler.fill(slots_R, counts_R, samples_N), slots, slots_R, counts_R, samples_N)


def test_a_step_that_is_too_large_is_not_written(cpu_library):
    slots = make_slots(0)
    arrays = SlotArrays(slots.tokens_SL, slots.blocks_SB, slots.num_computed_S, 16)
    filler = StepFiller(cpu_library, arrays, 8)
    with pytest.raises(AssertionError, match="more tokens"):
        filler.fill(np.array([0, 1]), np.array([4, 5]), np.array([0]))
