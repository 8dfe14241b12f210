"""How tiles of experts' products are chosen: by what an expert can expect, within what a device has."""

import pytest

pytest.importorskip("triton", reason="Triton is not installed (pip install 'penstock[gpu]')")

from penstock.kernels.triton.device import Device
from penstock.kernels.triton.expert_blocks import product_blocks, shared_bytes
from penstock.kernels.triton.expert_order import most_tiles

DEVICES = [
    Device(58, 99 * 1024, True),
    Device(108, 163 * 1024, False),
    Device(132, 227 * 1024, True),
]
NUM_ASSIGNMENTS = (1, 2, 16, 128, 1000, 65_536)


def rows_of(num_assignments: int, num_experts: int, **how: bool) -> int:
    how = {"batch_invariant": False, **how}
    return product_blocks(2, num_assignments, num_experts, DEVICES[2], **how).rows


def test_few_rows_for_an_expert_take_small_tiles() -> None:
    assert [rows_of(n, 8) for n in NUM_ASSIGNMENTS] == [16, 16, 16, 16, 128, 128]
    assert [rows_of(n, 128) for n in NUM_ASSIGNMENTS] == [16, 16, 16, 16, 16, 128]
    assert rows_of(8 * 17, 8) == 32
    assert rows_of(8 * 64, 8) == 64


@pytest.mark.parametrize("itemsize", [2, 4])
@pytest.mark.parametrize("device", DEVICES)
def test_invariant_tiles_know_no_company(device: Device, itemsize: int) -> None:
    found = {
        product_blocks(itemsize, n, experts, device, batch_invariant=True)
        for n in NUM_ASSIGNMENTS
        for experts in (8, 128)
    }
    assert len(found) == 1


@pytest.mark.parametrize("itemsize", [2, 4])
@pytest.mark.parametrize("device", DEVICES)
def test_tiles_fit_every_device(device: Device, itemsize: int) -> None:
    for n in NUM_ASSIGNMENTS:
        blocks = product_blocks(itemsize, n, 8, device, batch_invariant=False)
        assert shared_bytes(blocks, itemsize) <= device.shared_bytes
        assert blocks.stages > 1


@pytest.mark.parametrize(
    ("num_assignments", "num_experts", "rows", "tiles"),
    [(2, 8, 16, 2), (1, 1, 16, 1), (16, 8, 16, 8), (24, 8, 16, 9), (16_384, 8, 128, 135)],
)
def test_there_are_never_more_tiles_than_launched(
    num_assignments: int, num_experts: int, rows: int, tiles: int
) -> None:
    """At worst each expert's last tile holds one row."""
    assert most_tiles(num_assignments, num_experts, rows) == tiles
