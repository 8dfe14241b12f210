"""Numbers of eight bits by integer operations: every code, and every way to round."""

import pytest
import torch

from penstock.kernels.reference.kv_codes import FP8, to_cache

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module")
def kernels(device):
    from support import e4m3_kernels

    return e4m3_kernels


@pytest.mark.parametrize("wide", [torch.float16, torch.float32])
def test_every_code_is_read_exactly(kernels, device, wide):
    codes = torch.arange(256, dtype=torch.uint8, device=device)
    out = torch.empty(256, dtype=wide, device=device)
    kernels.decode[(1,)](codes, out, SIZE=256)
    expected = codes.view(FP8).to(wide)
    assert torch.equal(out.isnan(), expected.isnan())
    assert torch.equal(out.nan_to_num(), expected.nan_to_num())


def test_every_number_is_rounded_as_torch_does(kernels, device):
    known = torch.arange(256, dtype=torch.uint8).view(FP8).float()
    known = known[known.isfinite()].sort().values
    borders = (known[1:] + known[:-1]) / 2
    near = torch.cat([borders.nextafter(torch.tensor(way)) for way in (-torch.inf, torch.inf)])
    odd = torch.tensor(
        [1e-30, -1e-30, 449.0, 1e9, -1e9, torch.inf, -torch.inf, torch.nan, 0.0, -0.0]
    )
    x = torch.cat([known, borders, near, odd, torch.randn(2048)])[:2048].to(device)
    codes = torch.empty(2048, dtype=torch.uint8, device=device)
    kernels.encode[(1,)](x, codes, SIZE=2048)
    expected = to_cache(x, FP8, 1.0).view(torch.uint8)
    nan = x.isnan()
    assert torch.equal(codes[~nan], expected[~nan])
    assert codes.view(FP8)[nan].float().isnan().all()
