"""How products are cut: every input once, within what a program may take, and by no number of tokens where asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("triton", reason="Triton is not installed (pip install 'penstock[gpu]')")

from penstock.kernels.triton.device import Device
from penstock.kernels.triton.linear_tiles import Numbers, tiles_of

DEVICES = st.sampled_from(
    [Device(132, 227 * 1024, True), Device(58, 99 * 1024, True), Device(108, 163 * 1024, False)]
)
NUMBERS = st.sampled_from(
    [Numbers(2, 2, 64), Numbers(4, 4, 32), Numbers(2, 1, 128), Numbers(2, 0.5, 32), Numbers(1, 1, 128)]
)  # fmt: skip
TOKENS, SIZES = st.integers(1, 20_000), st.integers(1, 30_000)


@given(TOKENS, SIZES, SIZES, NUMBERS, DEVICES, st.booleans())
def test_spans_cover_the_inputs(num_tokens, num_outputs, num_inputs, numbers, device, invariant):
    tiles = tiles_of(
        num_tokens, num_outputs, num_inputs, numbers, device, batch_invariant=invariant
    )
    assert tiles.span % tiles.inputs == 0
    assert tiles.span * (tiles.num_spans - 1) < num_inputs <= tiles.span * tiles.num_spans
    assert tiles.splits in (1, tiles.num_spans)
    step = numbers.inputs * (tiles.outputs * numbers.w_bytes + tiles.tokens * numbers.x_bytes)
    assert tiles.stages >= 1
    assert tiles.stages * step <= device.shared_bytes


@given(TOKENS, TOKENS, SIZES, SIZES, NUMBERS, DEVICES)
def test_batch_invariant_tiles_know_no_number_of_tokens(
    one, other, num_outputs, num_inputs, numbers, device
):
    found = [
        tiles_of(count, num_outputs, num_inputs, numbers, device, batch_invariant=True)
        for count in (one, other)
    ]
    assert found[0]._replace(splits=0) == found[1]._replace(splits=0)


def test_few_tokens_keep_every_processor_reading():
    device = Device(132, 227 * 1024, True)
    tiles = tiles_of(1, 4096, 14336, Numbers(2, 1, 128), device, batch_invariant=False)
    assert 4096 // tiles.outputs * tiles.splits >= device.num_sms
    tiles = tiles_of(8192, 4096, 14336, Numbers(2, 1, 128), device, batch_invariant=False)
    assert tiles.splits == tiles.num_spans == 1
