"""Experts with weights of fewer bits in Triton against the oracle, and against themselves in other company."""

import pytest
import torch
from support.kernel_cases import Draw, close

from penstock.kernels import reference
from penstock.kernels.reference.weight_codes import quantize_int4, quantize_int8

pytestmark = pytest.mark.gpu
KINDS = ("int8", "int4", "e4m3")
SEEDS = 8 if torch.cuda.is_available() else 2  # the interpreter is slow


@pytest.fixture(scope="module")
def ops(device):
    from penstock.kernels import triton

    return triton


def rounded(kind, weight_EOI, group):
    """Codes and scales, laid out as a model has them: outputs side by side in each group, through all experts."""
    flat_RI = weight_EOI.flatten(0, 1)
    if kind == "e4m3":
        found = reference.quantize_rows_e4m3(flat_RI)
    else:
        found = (quantize_int8 if kind == "int8" else quantize_int4)(flat_RI, group)
    return [one.unflatten(0, (len(weight_EOI), -1)) for one in found]


class Case:
    """Random experts and tokens; the two products' inputs may be cut into groups of different sizes."""

    def __init__(self, draw, kind, dtype, num_tokens, num_experts, chosen, hidden, width):
        self.kind = kind
        self.x_TD = draw.normal(num_tokens, hidden, dtype=dtype)
        self.gate_up, self.down = (
            rounded(kind, draw.normal(num_experts, *size, dtype=dtype) * size[1] ** -0.5, group)
            for size, group in (((2 * width, hidden), hidden // 2), ((hidden, width), 32))
        )
        weights_TK, experts_TK = reference.route(
            draw.normal(num_tokens, num_experts), chosen, normalize=True
        )
        self.weights_TK, self.experts_TK = weights_TK.contiguous(), experts_TK.contiguous()

    def by(self, ops, tokens=slice(None), **how):
        return getattr(ops, f"fused_experts_{self.kind}")(
            self.x_TD[tokens], *self.gate_up, *self.down,
            self.weights_TK[tokens], self.experts_TK[tokens], **how,
        )  # fmt: skip


def near(kind, found_TD, expected_TD):
    """In e4m3 an inner state near the border between two codes may fall on either side of it."""
    if kind == "e4m3":
        torch.testing.assert_close(found_TD, expected_TD, rtol=5e-2, atol=5e-2)
    elif found_TD.dtype == torch.float32:
        close(found_TD, expected_TD, rtol=1e-4, atol=1e-4)
    else:
        close(found_TD, expected_TD)


@pytest.mark.parametrize("batch_invariant", [False, True])
@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("kind", KINDS)
def test_equals_the_oracle(ops, device, dtype, kind, seed, batch_invariant):
    draw = Draw(seed, device)
    case = Case(
        draw, kind, dtype, draw.some.choice((1, 3, 20)), draw.some.choice((2, 5, 8)),
        draw.some.randint(1, 2), draw.some.choice((64, 128)), draw.some.choice((32, 96)),
    )  # fmt: skip
    found_TD = case.by(ops, batch_invariant=batch_invariant)
    assert found_TD.dtype == dtype
    near(kind, found_TD, case.by(reference))


@pytest.mark.parametrize("num_tokens", [20, 100])
@pytest.mark.parametrize("kind", KINDS)
def test_whatever_the_tiles(ops, device, lowest, kind, num_tokens):
    """As many rows as there are tiles of, for many tokens; outputs that end within a tile."""
    case = Case(Draw(num_tokens, device), kind, lowest, num_tokens, 2, 2, 256, 160)
    near(kind, case.by(ops), case.by(reference))


def test_e4m3_takes_any_width(ops, device, dtype):
    case = Case(Draw(11, device), "e4m3", dtype, 5, 4, 2, 72, 40)
    near("e4m3", case.by(ops), case.by(reference))


@pytest.mark.parametrize("kind", KINDS)
def test_an_expert_without_tokens_is_not_read(ops, device, dtype, kind):
    case = Case(Draw(2, device), kind, dtype, 6, 5, 2, 64, 32)
    case.experts_TK[:, 0], case.experts_TK[:, 1] = 4, 1
    expected_TD = case.by(ops)
    for scales in (case.gate_up[1], case.down[1]):
        for expert in (0, 2, 3):
            scales[expert] = float("nan")
    assert torch.equal(case.by(ops), expected_TD)


@pytest.mark.parametrize("kind", KINDS)
def test_tokens_that_lie_apart(ops, device, lowest, kind):
    case = Case(Draw(3, device), kind, lowest, 5, 4, 2, 64, 32)
    expected_TD = case.by(ops)
    case.x_TD = torch.cat((case.x_TD, case.x_TD * 7), dim=1)[:, :64]
    assert torch.equal(case.by(ops), expected_TD)


@pytest.mark.parametrize("kind", KINDS)
def test_invariant_bits_do_not_depend_on_company(ops, device, lowest, kind):
    case = Case(Draw(4, device), kind, lowest, 70, 8, 2, 64, 32)
    together_TD = case.by(ops, batch_invariant=True)
    for tokens in (slice(0, 1), slice(50, 70)):
        assert torch.equal(case.by(ops, tokens, batch_invariant=True), together_TD[tokens])


@pytest.mark.filterwarnings("ignore:All-NaN slice")  # of the interpreter's
@pytest.mark.parametrize("kind", KINDS)
def test_a_token_that_is_not_finite_spoils_no_other(ops, device, lowest, kind):
    case = Case(Draw(5, device), kind, lowest, 6, 4, 2, 64, 32)
    clean_TD = case.by(ops)
    case.x_TD[2, 1] = torch.nan
    found_TD = case.by(ops)
    assert found_TD[2].isnan().all()
    others = [0, 1, 3, 4, 5]
    assert torch.equal(found_TD[others], clean_TD[others])


@pytest.mark.parametrize("kind", KINDS)
def test_a_captured_launch_serves_other_choices(ops, cuda, kind):
    case = Case(Draw(6, cuda), kind, torch.bfloat16, 24, 16, 4, 128, 96)
    case.by(ops)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        found_TD = case.by(ops)
    for first in (0, 9):
        case.experts_TK.copy_((case.experts_TK * 0 + torch.arange(4, device=cuda) + first) % 16)
        graph.replay()
        near(kind, found_TD, case.by(reference))
