"""Memory for the native kernels: zeros at the beginning of a page, whatever the shape."""

import mmap

import pytest
import torch

from penstock.kernels.cpu.memory import zeros


@pytest.mark.parametrize("dtype", [torch.uint8, torch.bfloat16, torch.float32], ids=str)
@pytest.mark.parametrize("shape", [(3, 5), (1,), (0,), (4, 0), (70_000, 3)], ids=str)
def test_zeros_of_any_shape(shape, dtype):
    made = zeros(shape, dtype)
    assert made.shape == shape
    assert made.dtype == dtype
    assert not made.any()
    if made.numel():
        assert made.data_ptr() % mmap.PAGESIZE == 0
