"""Inputs of many steps through two buffers, to a device that takes its time."""

import random

import numpy as np
import pytest
import torch
from support.late_stream import LateStream

from penstock.protocol.plan import BlockGrant, Configure, SeqStart
from penstock.protocol.sampling import SamplingParams
from penstock.protocol.token_ids import pack
from penstock.workers.batching import fill_inputs
from penstock.workers.device.uploads import NUM_BUFFERS, Uploads
from penstock.workers.extent import Extent
from penstock.workers.slots import Slots
from penstock.workers.step_inputs import inputs_in


@pytest.mark.parametrize("pace", [0.0, 0.4])
def test_no_buffer_is_filled_before_it_was_copied(pace: float) -> None:
    """`LateStream` fails where one is."""
    dice = random.Random(1)
    stream = LateStream(dice, pace)
    uploads = Uploads(stream)
    for step in range(60):
        to = torch.zeros(dice.choice([8, 64, 5000, 20000]), dtype=torch.uint8)
        uploads.send(to, lambda staged, step=step: staged.fill_(step))
        assert (to == step).all()
        if pace == 0:
            assert stream.num_done == max(0, step + 1 - NUM_BUFFERS), "it waited for too much"
    stream.finish(59)


def make_slots() -> Slots:
    """Slot 2 has computed 5 of its 7 tokens in blocks of 4, slot 0 knows its third token only by hearsay."""
    slots = Slots(Configure(9, 4, 3, 12, 16))
    slots.start(SeqStart(2, pack([10, 11, 12, 13, 14, 15, 16]), 7, 5, SamplingParams(2)))
    slots.grant(BlockGrant(2, pack([8, 3])))
    slots.start(SeqStart(0, pack([20, 21]), 2, 1, SamplingParams(2)))
    slots.grant(BlockGrant(0, pack([5])))
    slots.advance(np.array([0]), np.array([1]))
    slots.expect(np.array([0]))
    return slots


def test_rows_and_padding() -> None:
    extent = Extent(tokens=5, rows=4, samples=3, blocks=2)
    inputs = inputs_in(torch.full((extent.num_bytes,), 99, dtype=torch.uint8), extent)
    slots_R, counts_R = np.array([2, 0]), np.array([2, 1])
    fill_inputs(inputs, make_slots(), slots_R, counts_R, samples_N=np.array([0, 1]))
    assert inputs.token_ids_T.tolist() == [15, 16, ~0, 0, 0]
    assert inputs.positions_T.tolist() == [5, 6, 2, 0, 0]
    assert inputs.cache_slots_T.tolist() == [13, 14, 22, -1, -1]
    assert inputs.last_N.tolist() == [1, 2, 0]
    assert inputs.slots_N.tolist() == [2, 0, 0]
    assert inputs.starts_P.tolist() == [0, 2, 3, 4, 5]
    assert inputs.context_R.tolist() == [7, 3, 0, 0]
    assert inputs.block_tables_RB.tolist() == [[8, 3], [5, 0], [0, 0], [0, 0]]


def test_padding_alone() -> None:
    extent, nobody = Extent(tokens=3, rows=3, samples=3, blocks=1), np.empty(0, dtype=np.int64)
    inputs = inputs_in(torch.full((extent.num_bytes,), 99, dtype=torch.uint8), extent)
    fill_inputs(inputs, make_slots(), nobody, nobody, nobody)
    assert inputs.starts_P.tolist() == [0, 1, 2, 3]
    assert inputs.cache_slots_T.tolist() == [-1, -1, -1]
    assert inputs.context_R.tolist() == inputs.token_ids_T.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    "extent", [Extent(1, 1, 0, 1), Extent(7, 3, 2, 5), Extent(300, 256, 256, 1)]
)
def test_views_of_a_flat_buffer_do_not_overlap(extent: Extent) -> None:
    flat = torch.zeros(extent.num_bytes, dtype=torch.uint8)
    inputs = inputs_in(flat, extent)
    views = [getattr(inputs, name) for name in inputs.__slots__]
    for number, view in enumerate(views):
        view.fill_(number + 1)
    for number, view in enumerate(views):
        assert (view == number + 1).all()
    assert sum(view.nbytes for view in views) + 8 > extent.num_bytes
