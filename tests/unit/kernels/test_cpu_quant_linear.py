"""The quantized linears against their own integers in float64, and against themselves in other company, bit by bit."""

import random

import pytest
import torch
from support.cpu_quant import (
    activations_of,
    dequantized,
    dequantized_activations,
    run_step,
    weights_of,
)

from penstock.kernels.cpu.program import Extent
from penstock.kernels.cpu.quant_linear import (
    add_quant_linear,
    add_quant_linear_gate_up,
    add_quant_linear_residual,
)
from penstock.kernels.cpu.quant_weights import Bits, can_quantize, quantize, quantize_gate_up
from penstock.kernels.cpu.quantize_rows import add_quantize_rows, quantized_rows

BF16, F32 = torch.bfloat16, torch.float32
EACH_BITS = pytest.mark.parametrize("bits", list(Bits), ids=lambda bits: bits.suffix)
EACH_DTYPE = pytest.mark.parametrize("dtype", [BF16, F32], ids=["bf16", "f32"])
LIMITS = {Bits.INT8: 0.0056, Bits.INT4: 0.083}
"""The relative error of weights drawn from a normal distribution."""


class Case:
    """A weight and activations; outputs start as ones, and rows nobody asks for stay so."""

    def __init__(self, library, team, num_tokens, depth, seed=0, dtype=BF16):
        self.library, self.team, self.dtype = library, team, dtype
        self.random = torch.Generator().manual_seed(seed)
        self.x_TI = (self.normal(num_tokens, depth) * 3).to(dtype)
        self.depth = depth

    def normal(self, *shape):
        return torch.randn(*shape, generator=self.random)

    def matrix(self, num_outputs):
        return (self.normal(num_outputs, self.depth) * 0.02).to(self.dtype)

    def rows(self, x_TI):
        out = quantized_rows(*x_TI.shape)
        run_step(
            self.library, self.team, len(x_TI),
            lambda program: add_quantize_rows(program, Extent.TOKENS, x_TI, out),
        )  # fmt: skip
        return out

    def run(self, add, weight, out, x_TI=None):
        x_TGB = self.rows(self.x_TI if x_TI is None else x_TI)
        run_step(self.library, self.team, len(x_TGB), lambda p: add(p, x_TGB, weight, out))
        return out

    def sums(self, weight, bias_O=None):
        sums_TO = dequantized_activations(self.rows(self.x_TI)) @ dequantized(weight).T
        return sums_TO if bias_O is None else sums_TO + bias_O.double()


def close(out, expected):
    # The integers are exact: what is left is the rounding of one float sum, and of the answer.
    tolerance = {"rtol": 2**-8, "atol": 1e-5} if out.dtype == BF16 else {"rtol": 2e-6, "atol": 2e-5}
    torch.testing.assert_close(out.double(), expected, **tolerance)


def linear(program, x_TGB, weight, out_TO):
    add_quant_linear(program, Extent.TOKENS, x_TGB, weight, out_TO)


@EACH_BITS
@EACH_DTYPE
@pytest.mark.parametrize("seed", range(12))
def test_equals_the_product_of_its_integers(bits, dtype, seed, cpu_library, cpu_team):
    draw = random.Random(seed)
    num_outputs = draw.choice([1, 15, 16, 17, 32, 33, 64, draw.randint(1, 300)])
    num_tokens, depth = draw.randint(1, 70), 32 * draw.choice([1, 2, 7, 28, 152])
    case = Case(cpu_library, cpu_team(draw.randint(1, 3)), num_tokens, depth, seed, dtype)
    bias_O = case.normal(num_outputs).to(dtype) if draw.random() < 0.5 else None
    weight = quantize(cpu_library, case.team, [case.matrix(num_outputs)], bias_O, bits)
    for out_dtype in (dtype, F32):
        out_TO = torch.ones(num_tokens, num_outputs, dtype=out_dtype)
        close(case.run(linear, weight, out_TO), case.sums(weight, bias_O))


@EACH_BITS
@pytest.mark.parametrize("num_outputs", [32, 50, 5])
def test_adds_to_the_residual(bits, num_outputs, cpu_library, cpu_team):
    case = Case(cpu_library, cpu_team(2), 9, 96)
    bias_O, before = case.normal(num_outputs), case.normal(9, num_outputs)
    weight = quantize(cpu_library, case.team, [case.matrix(num_outputs)], bias_O, bits)
    out = case.run(add_quant_linear_residual, weight, before.clone())
    close(out, before.double() + case.sums(weight, bias_O))


@EACH_BITS
@EACH_DTYPE
@pytest.mark.parametrize("width", [16, 64, 41, 7])
def test_gates(bits, dtype, width, cpu_library, cpu_team):
    case = Case(cpu_library, cpu_team(2), 11, 64, dtype=dtype)
    matrix, bias_O = case.matrix(2 * width), case.normal(2 * width)
    plain = quantize(cpu_library, case.team, [matrix], None, bits)
    weight = quantize_gate_up(cpu_library, case.team, [matrix], bias_O, bits)
    gate, up = case.sums(plain, bias_O).chunk(2, dim=1)
    out = case.run(add_quant_linear_gate_up, weight, torch.ones(11, width, dtype=dtype))
    close(out, torch.nn.functional.silu(gate) * up)


@EACH_BITS
def test_a_token_has_the_same_bits_in_any_company(bits, cpu_library, cpu_team):
    alone = Case(cpu_library, cpu_team(1), 70, 4864)
    weight = quantize(cpu_library, alone.team, [alone.matrix(200)], None, bits)
    expected = torch.cat(
        [alone.run(linear, weight, torch.ones(1, 200), x_TI) for x_TI in alone.x_TI.split(1)]
    )
    for num_tokens in (*range(1, 15), 31, 70):
        for threads in (1, 2, 3):
            crowd = Case(cpu_library, cpu_team(threads), 1, 32)
            x_TI = alone.x_TI[:num_tokens].contiguous()
            out = crowd.run(linear, weight, torch.ones(num_tokens, 200), x_TI)
            assert torch.equal(out, expected[:num_tokens]), (num_tokens, threads)


@EACH_BITS
def test_sampled_rows_alone_are_computed(bits, cpu_library, cpu_team):
    case = Case(cpu_library, cpu_team(2), 7, 64)
    weight = quantize(cpu_library, case.team, [case.matrix(40)], None, bits)
    out = torch.ones(7, 40)
    case.run(lambda p, x, w, o: add_quant_linear(p, Extent.SAMPLES, x, w, o), weight, out)
    close(out[:2], case.sums(weight)[:2])
    assert (out[2:] == 1).all()


@EACH_DTYPE
def test_rows_are_rounded_to_nearest(dtype, cpu_library, cpu_team):
    case = Case(cpu_library, cpu_team(2), 37, 288, dtype=dtype)
    values, scales, minus_sums = activations_of(case.rows(case.x_TI))
    groups = case.x_TI.float().unflatten(1, (-1, 32))
    assert torch.equal(scales, groups.abs().amax(-1) / 127)
    assert torch.equal(values.int().sum(-1).int(), -minus_sums)
    error = (values * scales[..., None] - groups).abs()
    assert (error <= scales[..., None] * 0.5001).all()


@EACH_BITS
@EACH_DTYPE
def test_the_error_of_a_weight_is_bounded(bits, dtype, cpu_library, cpu_team):
    case = Case(cpu_library, cpu_team(2), 1, 320, dtype=dtype)
    matrix = case.matrix(300)
    weight = quantize(cpu_library, case.team, [matrix], None, bits)
    error = dequantized(weight) - matrix.double()
    assert error.norm() / matrix.double().norm() < LIMITS[bits]
    _, scales = weights_of(weight)
    steps = error.unflatten(1, (-1, 32)).abs() / scales.double().abs()[..., None]
    assert (
        steps.max() < {Bits.INT8: 0.76, Bits.INT4: 2.0}[bits]
    )  # beyond a half: cut off at the end


@EACH_BITS
def test_a_constant_group_keeps_its_value(bits, cpu_library, cpu_team):
    matrix = torch.tensor([0.5, -3.0, 0.0, 1e-20])[:, None].repeat(1, 64)
    weight = quantize(cpu_library, cpu_team(1), [matrix], None, bits)
    torch.testing.assert_close(dequantized(weight), matrix.double(), rtol=2**-8, atol=0)


@EACH_BITS
def test_zeros_give_zeros(bits, cpu_library, cpu_team):
    case = Case(cpu_library, cpu_team(2), 5, 96)
    case.x_TI[:, 32:64] = 0
    case.x_TI[2] = 0
    matrix = case.matrix(33)
    matrix[:, :32] = 0
    matrix[7] = 0
    weight = quantize(cpu_library, case.team, [matrix], None, bits)
    out = case.run(linear, weight, torch.ones(5, 33))
    close(out, case.sums(weight))
    assert (out[2] == 0).all()
    assert (out[:, 7] == 0).all()


@EACH_BITS
@pytest.mark.parametrize("bad", [float("inf"), float("-inf"), float("nan")])
def test_what_is_not_finite_shows_where_it_was_and_nowhere_else(bits, bad, cpu_library, cpu_team):
    case = Case(cpu_library, cpu_team(2), 9, 96)
    matrix = case.matrix(40)
    clean = case.run(
        linear, quantize(cpu_library, case.team, [matrix], None, bits), torch.ones(9, 40)
    )
    case.x_TI[3, 50], matrix[20, 95] = bad, bad
    out = case.run(
        linear, quantize(cpu_library, case.team, [matrix], None, bits), torch.ones(9, 40)
    )
    assert out[3].isnan().all()
    assert out[:, 20].isnan().all()
    rows, columns = torch.arange(9) != 3, torch.arange(40) != 20
    assert torch.equal(out[rows][:, columns], clean[rows][:, columns])


def test_only_whole_groups_can_be_quantized():
    assert can_quantize(torch.zeros(3, 64, dtype=BF16))
    assert not can_quantize(torch.zeros(3, 48))
    assert not can_quantize(torch.zeros(3, 64, dtype=torch.float16))
