"""Products in Triton against the oracle: plain in a fixed order, with weights of 8 and 4 bits, and in e4m3."""

from functools import partial

import pytest
import torch
from support.kernel_cases import Draw, close

from penstock.kernels import reference
from penstock.kernels.reference.weight_codes import quantize_int4, quantize_int8

pytestmark = pytest.mark.gpu
TOKENS = (1, 2, 15, 16, 17, 40, 64, 65, 90)
KINDS = ("linear", "linear_int8", "linear_int4", "linear_e4m3")
WIDTHS = (128, 384, 1280)
SEEDS = 8 if torch.cuda.is_available() else 2  # the interpreter is slow


@pytest.fixture(params=range(SEEDS))
def draw(request, device):
    return Draw(request.param, device)


@pytest.fixture(scope="module")
def ops(device):
    from penstock.kernels import triton

    return triton


def weights_of(draw, kind, num_outputs, num_inputs, dtype, group):
    """What the op takes between activations and bias."""
    weight_OI = draw.normal(num_outputs, num_inputs, dtype=dtype) * num_inputs**-0.5
    if kind == "linear":
        return (weight_OI,)
    if kind == "linear_e4m3":
        return reference.quantize_rows_e4m3(weight_OI)
    codes, scales_OG = (quantize_int8 if kind == "linear_int8" else quantize_int4)(weight_OI, group)
    return codes, scales_OG.to(draw.some.choice((dtype, torch.float32)))


def case(draw, kind, dtype, num_tokens, num_inputs=None, num_outputs=None, group=None):
    """Activations of which some stand out, weights, and perhaps a bias."""
    num_inputs = num_inputs or draw.some.choice(WIDTHS)
    num_outputs = num_outputs or draw.some.choice((1, 48, 64, 200))
    group = group or draw.some.choice((32, 64, 128))
    x_TI = draw.normal(num_tokens, num_inputs, dtype=dtype)
    x_TI[:, -1] *= 8
    bias_O = draw.normal(num_outputs, dtype=dtype) if draw.some.random() < 0.5 else None
    return x_TI, *weights_of(draw, kind, num_outputs, num_inputs, dtype, group), bias_O


def near(found_TO, expected_TO):
    """Sums of many terms of size one: their order is worth a few roundings of the largest."""
    if expected_TO.dtype == torch.float32:
        close(found_TO, expected_TO, rtol=1e-4, atol=1e-4)
    else:
        close(found_TO, expected_TO)


@pytest.mark.parametrize("batch_invariant", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_equals_the_oracle(ops, draw, dtype, kind, batch_invariant):
    inputs = case(draw, kind, dtype, draw.some.choice(TOKENS))
    found_TO = getattr(ops, kind)(*inputs, batch_invariant=batch_invariant)
    expected_TO = getattr(reference, kind)(*inputs)
    assert found_TO.dtype == dtype
    near(found_TO, expected_TO)


@pytest.mark.parametrize("kind", ["linear", "linear_e4m3"])
def test_inputs_that_are_no_whole_steps(ops, draw, dtype, kind):
    inputs = case(draw, kind, dtype, draw.some.choice(TOKENS), draw.some.choice((1, 40, 130, 1031)))
    near(getattr(ops, kind)(*inputs, batch_invariant=True), getattr(reference, kind)(*inputs))


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_has_the_same_bits_in_any_company(ops, device, lowest, kind):
    """One token's spans are summed by several programs, those of a crowd by one."""
    num_tokens = 80 if device.type == "cpu" else 12_000
    x_TI, *weights, bias_O = case(Draw(7, device), kind, lowest, num_tokens, 1024, 200, group=128)
    op = partial(getattr(ops, kind), batch_invariant=True)
    together_TO = op(x_TI, *weights, bias_O)
    for first, end in ((0, 1), (3, 20)):
        assert torch.equal(op(x_TI[first:end], *weights, bias_O), together_TO[first:end])


@pytest.mark.parametrize("kind", KINDS)
def test_no_tokens(ops, device, kind):
    x_TI, *rest = case(Draw(0, device), kind, torch.float16, 1)
    assert getattr(ops, kind)(x_TI[:0], *rest, batch_invariant=True).numel() == 0


@pytest.mark.parametrize("kind", KINDS)
def test_tokens_that_lie_apart(ops, draw, dtype, kind):
    x_TI, *rest = case(draw, kind, dtype, 6)
    apart_TI = torch.cat((x_TI, x_TI * 7), dim=1)[:, : x_TI.shape[1]]
    op = partial(getattr(ops, kind), batch_invariant=True)
    assert torch.equal(op(apart_TI, *rest), op(x_TI, *rest))


def test_one_scale_for_all_outputs(ops, draw, dtype):
    x_TI, codes_OI, _, bias_O = case(draw, "linear_e4m3", dtype, 5)
    scales = torch.tensor([0.25 / codes_OI.shape[1]], device=draw.device)
    near(
        ops.linear_e4m3(x_TI, codes_OI, scales, bias_O),
        reference.linear_e4m3(x_TI, codes_OI, scales, bias_O),
    )


def test_rows_are_rounded_as_the_oracle_does(ops, draw, dtype):
    num_rows, size = draw.some.randint(1, 9), draw.some.choice((1, 40, 1000, 5000))
    x_TI = draw.normal(num_rows, size, dtype=dtype) * 10 ** draw.some.uniform(-3, 3)
    x_TI[0] = 0
    codes_TI, scales_T = ops.quantize_rows_e4m3(x_TI)
    expected_TI, expected_T = reference.quantize_rows_e4m3(x_TI)
    assert torch.equal(scales_T, expected_T)
    assert torch.equal(codes_TI.view(torch.uint8), expected_TI.view(torch.uint8))


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
def test_a_row_that_is_not_finite_stays_so_and_spoils_no_other(ops, device, bad):
    x_TI, *rest = case(Draw(3, device), "linear_e4m3", torch.float16, 5)
    clean_TO = ops.linear_e4m3(x_TI, *rest)
    x_TI[2, 1] = bad
    found_TO = ops.linear_e4m3(x_TI, *rest)
    assert found_TO[2].isnan().all()
    assert torch.equal(found_TO[[0, 1, 3, 4]], clean_TO[[0, 1, 3, 4]])
