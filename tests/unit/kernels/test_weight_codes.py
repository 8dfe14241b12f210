"""Weights in few bits: what the bytes mean, how near they are, and that CPUs and GPUs mean the same by them."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.cpu_quant import weights_of

from penstock.kernels.cpu.quant_weights import Bits, quantize
from penstock.kernels.reference import linear_int4, linear_int8, quantize_rows_e4m3
from penstock.kernels.reference.weight_codes import (
    dequantized,
    pack_int4,
    quantize_int4,
    quantize_int8,
    unpack_int4,
)
from penstock.kernels.weight_groups import GROUPS, group_size

QUANTIZE = {Bits.INT8: quantize_int8, Bits.INT4: quantize_int4}
LIMITS = {
    (Bits.INT8, 32): 0.0056,
    (Bits.INT8, 128): 0.0068,
    (Bits.INT4, 32): 0.083,
    (Bits.INT4, 128): 0.098,
}
"""The relative error of weights drawn from a normal distribution."""


def normal(*shape, seed=0, dtype=torch.float32):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def read_back(bits, weight_OI, group):
    codes, scales_OG = QUANTIZE[bits](weight_OI, group)
    codes_OI = unpack_int4(codes, group) if bits is Bits.INT4 else codes
    return dequantized(codes_OI, scales_OG)


@given(st.data(), st.sampled_from(GROUPS), st.integers(1, 5), st.integers(1, 3))
def test_nibbles_come_back(data, group, num_outputs, num_groups):
    seed = data.draw(st.integers(0, 2**32))
    shape, generator = (num_outputs, group * num_groups), torch.Generator().manual_seed(seed)
    codes_OI = torch.randint(-8, 8, shape, generator=generator, dtype=torch.int8)
    bytes_OH = pack_int4(codes_OI, group)
    assert bytes_OH.dtype == torch.uint8
    assert bytes_OH.shape == (shape[0], shape[1] // 2)
    assert torch.equal(unpack_int4(bytes_OH, group), codes_OI)


def test_a_byte_holds_an_input_and_the_one_half_a_group_on():
    codes_OI = torch.zeros(1, 128, dtype=torch.int8)
    codes_OI[0, 64 + 5], codes_OI[0, 64 + 32 + 5] = 3, -2
    bytes_OH = pack_int4(codes_OI, 64)
    assert bytes_OH[0, 32 + 5] == 0xE3
    assert bytes_OH.count_nonzero() == 1


@pytest.mark.parametrize(("bits", "group"), LIMITS)
def test_how_near_codes_are(bits, group):
    weight_OI = normal(64, 1024)
    error = (read_back(bits, weight_OI, group) - weight_OI).norm() / weight_OI.norm()
    assert error < LIMITS[bits, group]


@pytest.mark.parametrize("bits", Bits)
def test_what_is_representable_is_exact(bits):
    codes_OI = torch.randint(-7, 8, (5, 64), generator=torch.Generator().manual_seed(1)).float()
    codes_OI[:, ::32] = 127 if bits is Bits.INT8 else -8
    weight_OI = codes_OI * 2.0**-9
    assert torch.equal(read_back(bits, weight_OI, 32), weight_OI)


@pytest.mark.parametrize("bits", Bits)
def test_zeros_and_what_is_not_finite(bits):
    weight_OI = normal(3, 64)
    weight_OI[0] = 0
    weight_OI[1, 40] = torch.inf
    weight_OI[2] *= 1e-38
    found_OI = read_back(bits, weight_OI, 32)
    assert torch.equal(found_OI[0], weight_OI[0])
    assert found_OI[1, 32:].isnan().all()
    assert found_OI[1, :32].isfinite().all()
    assert torch.equal(found_OI[2], torch.zeros(64))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("bits", Bits)
def test_native_cpu_kernels_have_the_same_codes(bits, dtype, cpu_library, cpu_team):
    """But for close calls between two of the eight scales of int4, where the order of a sum decides."""
    weight_OI = normal(64, 1024, dtype=dtype)
    native_OI, native_OG = weights_of(quantize(cpu_library, cpu_team(1), [weight_OI], None, bits))
    codes, scales_OG = QUANTIZE[bits](weight_OI, 32)
    codes_OI = unpack_int4(codes, 32) if bits is Bits.INT4 else codes
    same_OG = native_OG == scales_OG.float()
    assert same_OG.float().mean() >= (1 if bits is Bits.INT8 else 0.98)
    assert torch.equal(
        native_OI.unflatten(1, (32, 32))[same_OG], codes_OI.unflatten(1, (32, 32))[same_OG].int()
    )
    native_error, error = (
        (dequantized(*found) - weight_OI.float()).norm()
        for found in ((native_OI, native_OG), (codes_OI, scales_OG))
    )
    assert abs(native_error / error - 1) < 1e-3


def test_rows_are_worked_on_in_parts(monkeypatch):
    weight_OI = normal(40, 256)
    whole = quantize_int4(weight_OI, 64)
    monkeypatch.setattr("penstock.kernels.reference.weight_codes._CHUNK", 256 * 7)
    for one, other in zip(quantize_int4(weight_OI, 64), whole, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("group", GROUPS)
def test_products_are_those_of_the_numbers_that_codes_mean(group):
    x_TI, weight_OI, bias_O = normal(4, 256, seed=1), normal(9, 256), normal(9, seed=2)
    for bits, linear in ((Bits.INT8, linear_int8), (Bits.INT4, linear_int4)):
        expected_TO = x_TI @ read_back(bits, weight_OI, group).T + bias_O
        found_TO = linear(x_TI, *QUANTIZE[bits](weight_OI, group), bias_O)
        torch.testing.assert_close(found_TO, expected_TO)


def test_rows_of_e4m3():
    x_TI = normal(6, 100) * 50
    x_TI[1], x_TI[2, 7] = 0, torch.nan
    codes_TI, scales_T = quantize_rows_e4m3(x_TI)
    found_TI = codes_TI.float() * scales_T[:, None]
    assert torch.equal(found_TI[1], x_TI[1])
    assert scales_T.isnan().tolist() == [False, False, True, False, False, False]
    good = [0, 3, 4, 5]
    assert (codes_TI[good].float().abs().amax(dim=1) == 448).all()
    error = (found_TI[good] - x_TI[good]).abs()
    assert (error <= x_TI[good].abs() / 16 + scales_T[good, None] * 2**-10).all()


@given(st.integers(1, 4096))
def test_the_largest_group_that_divides_the_inputs(num_inputs):
    divisors = [group for group in (128, 64, 32) if num_inputs % group == 0]
    assert group_size(num_inputs) == (divisors[0] if divisors else None)
