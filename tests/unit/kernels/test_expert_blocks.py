"""How tiles of experts' products are chosen: by what an expert can expect, within what a device has."""

import pytest

pytest.importorskip("triton", reason="Triton is not installed (pip install 'penstock[gpu]')")

from penstock.kernels.triton.device import Device
from penstock.kernels.triton.expert_blocks import Step, product_blocks, shared_bytes
from penstock.kernels.triton.expert_order import most_tiles

DEVICES = [
    Device(58, 99 * 1024, True),
    Device(108, 163 * 1024, False),
    Device(132, 227 * 1024, True),
]
PLAIN = Step(2, 2)
STEPS = [PLAIN, Step(4, 4), Step(2, 1, 128), Step(2, 0.5, 32), Step(4, 1, 128), Step(1, 1, 128)]
NUM_ASSIGNMENTS = (1, 2, 16, 128, 1000, 65_536)


def rows_of(num_assignments: int, num_experts: int, **how: bool) -> int:
    how = {"batch_invariant": False, **how}
    return product_blocks(PLAIN, num_assignments, num_experts, DEVICES[2], **how).rows


def test_few_rows_for_an_expert_take_small_tiles() -> None:
    assert [rows_of(n, 8) for n in NUM_ASSIGNMENTS] == [16, 16, 16, 16, 128, 128]
    assert [rows_of(n, 128) for n in NUM_ASSIGNMENTS] == [16, 16, 16, 16, 16, 128]
    assert rows_of(8 * 17, 8) == 32
    assert rows_of(8 * 64, 8) == 64


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("device", DEVICES)
def test_invariant_tiles_know_no_company(device: Device, step: Step) -> None:
    found = {
        product_blocks(step, n, experts, device, batch_invariant=True)
        for n in NUM_ASSIGNMENTS
        for experts in (8, 128)
    }
    assert len(found) == 1


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("device", DEVICES)
def test_tiles_fit_every_device(device: Device, step: Step) -> None:
    for n in NUM_ASSIGNMENTS:
        blocks = product_blocks(step, n, 8, device, batch_invariant=False)
        assert shared_bytes(blocks, step) <= device.shared_bytes
        assert blocks.stages > 1


@pytest.mark.parametrize("device", DEVICES)
def test_both_products_of_a_layer_take_the_same_rows(device: Device) -> None:
    """Their inputs may be cut into groups of other sizes; the order of the assignments is one."""
    for n in NUM_ASSIGNMENTS:
        blocks = [
            product_blocks(Step(2, 1, group), n, 8, device, batch_invariant=False)
            for group in (128, 64, 32)
        ]
        assert len({one.rows for one in blocks}) == 1
        assert [one.depth for one in blocks] == [128, 64, 32]


@pytest.mark.parametrize(
    ("num_assignments", "num_experts", "rows", "tiles"),
    [(2, 8, 16, 2), (1, 1, 16, 1), (16, 8, 16, 8), (24, 8, 16, 9), (16_384, 8, 128, 135)],
)
def test_there_are_never_more_tiles_than_launched(
    num_assignments: int, num_experts: int, rows: int, tiles: int
) -> None:
    """At worst each expert's last tile holds one row."""
    assert most_tiles(num_assignments, num_experts, rows) == tiles
