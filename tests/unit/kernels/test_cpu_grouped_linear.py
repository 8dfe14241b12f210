"""The experts' products: the bits of the dense ones, the sums of the reference, the same in any company."""

import pytest
import torch
from support.cpu_experts import Mixture, Shape, grouped, products_of, random_experts
from support.cpu_quant import run_step

from penstock.kernels import reference
from penstock.kernels.cpu.program import Extent
from penstock.kernels.cpu.quant_weights import Bits

BF16, F32 = torch.bfloat16, torch.float32
SHAPES = [
    Shape(hidden=32, width=24, num_experts=5, num_chosen=2),
    Shape(hidden=50, width=18, num_experts=3, num_chosen=3),
    Shape(hidden=128, width=96, num_experts=12, num_chosen=1),
    Shape(hidden=34, width=7 * 2, num_experts=60, num_chosen=4),
]
WHOLE_GROUPS = Shape(hidden=96, width=64, num_experts=6, num_chosen=2)
KINDS = [(BF16, None), (F32, None), (BF16, Bits.INT8), (F32, Bits.INT8), (BF16, Bits.INT4)]
EACH_KIND = pytest.mark.parametrize(
    ("dtype", "bits"), KINDS, ids=lambda value: str(getattr(value, "name", value))
)
EACH_DTYPE = pytest.mark.parametrize("dtype", [BF16, F32], ids=str)


def dense(mixture, bits, team, x_ND, expert):
    """The same rows through one expert's matrices as if they were an MLP's."""
    products = products_of(mixture.library, team, bits)
    gate_up = products.pack_gate_up([mixture.gate_up_EJD[expert]], None)
    down = products.pack([mixture.down_EDF[expert]], None)
    gated_NF = torch.zeros(len(x_ND), mixture.shape.width, dtype=mixture.dtype)
    out_ND = torch.zeros(x_ND.shape)

    def add(program):
        products.gate_up(program, x_ND, gate_up, gated_NF)
        products.linear(program, Extent.TOKENS, gated_NF, down, out_ND)

    run_step(mixture.library, team, len(x_ND), add)
    return gated_NF, out_ND


@EACH_KIND
@pytest.mark.parametrize("num_tokens", [1, 5, 40, 500])
@pytest.mark.parametrize("chosen", [1, 3])
def test_has_the_bits_of_dense_products(dtype, bits, num_tokens, chosen, cpu_library, cpu_team):
    shape, team = Shape(96, 64, 6, chosen), cpu_team(2)
    mixture = Mixture(cpu_library, team, shape, dtype, bits)
    x_TD, _ = mixture.tokens(num_tokens)
    experts_TK = random_experts(num_tokens, shape, 3)
    _, groups = grouped(cpu_library, team, experts_TK, 6)
    gated_NF = torch.zeros(groups.num_rows, shape.width, dtype=dtype)
    out_ND = torch.zeros(groups.num_rows, shape.hidden)

    def add(program):
        mixture.products.experts_gate_up(program, groups, x_TD, mixture.gate_up, gated_NF)
        mixture.products.experts_down(program, groups, gated_NF, mixture.down, out_ND)

    run_step(cpu_library, team, num_tokens, add)
    for expert in experts_TK.unique().tolist():
        tokens_N, places_N = (experts_TK == expert).nonzero(as_tuple=True)
        rows_N = groups.places_TK[tokens_N, places_N].long()
        gated, out = dense(mixture, bits, team, x_TD[tokens_N], expert)
        assert torch.equal(gated_NF[rows_N], gated)
        assert torch.equal(out_ND[rows_N], out)


@EACH_DTYPE
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("num_tokens", [1, 30, 260])
def test_equals_the_reference(dtype, shape, num_tokens, cpu_library, cpu_team):
    mixture = Mixture(cpu_library, cpu_team(2), shape, dtype)
    x_TD, logits_TE = mixture.tokens(num_tokens)
    out_TD = mixture.run(cpu_team(2), x_TD, logits_TE)
    routes = reference.route(logits_TE, shape.num_chosen, normalize=True)
    matrices = mixture.gate_up_EJD.double(), mixture.down_EDF.double()
    expected_TD = reference.fused_experts(x_TD.double(), *matrices, *routes)
    tolerance = 2**-7 if dtype == BF16 else 1e-5
    torch.testing.assert_close(out_TD.double(), expected_TD, rtol=tolerance, atol=tolerance)


@EACH_DTYPE
def test_the_expert_for_all_is_added_behind_its_gate(dtype, cpu_library, cpu_team):
    mixture = Mixture(cpu_library, cpu_team(2), SHAPES[1], dtype)
    x_TD, logits_TE = mixture.tokens(21)
    shared_TD, gate_T1 = torch.randn(21, SHAPES[1].hidden), torch.randn(21, 1)
    without = mixture.run(cpu_team(2), x_TD, logits_TE)
    logits_TC = torch.cat((logits_TE, gate_T1), dim=1)
    out_TD = mixture.run(cpu_team(2), x_TD, logits_TC, shared_TD)
    torch.testing.assert_close(out_TD, without + gate_T1.sigmoid() * shared_TD)


@EACH_KIND
def test_a_token_has_the_same_bits_in_any_company(dtype, bits, cpu_library, cpu_team):
    mixture = Mixture(cpu_library, cpu_team(1), WHOLE_GROUPS, dtype, bits)
    x_TD, logits_TE = mixture.tokens(300)
    whole = mixture.run(cpu_team(1), x_TD, logits_TE)
    for first, end in [(0, 1), (0, 5), (3, 32), (10, 24), (299, 300), (5, 290)]:
        for threads in (1, 2, 3):
            some = x_TD[first:end].contiguous(), logits_TE[first:end].contiguous()
            assert torch.equal(mixture.run(cpu_team(threads), *some), whole[first:end])


@EACH_KIND
def test_what_is_not_finite_stays_with_its_token(dtype, bits, cpu_library, cpu_team):
    mixture = Mixture(cpu_library, cpu_team(1), WHOLE_GROUPS, dtype, bits)
    x_TD, logits_TE = mixture.tokens(12)
    clean = mixture.run(cpu_team(2), x_TD, logits_TE)
    x_TD[4, 7], logits_TE[9, 1] = float("nan"), float("nan")
    broken = mixture.run(cpu_team(2), x_TD, logits_TE)
    assert broken[4].isnan().all()
    assert broken[9].isnan().all()
    others = torch.tensor([t for t in range(12) if t not in (4, 9)])
    assert torch.equal(broken[others], clean[others])


def test_unlike_matrices_are_no_stack(cpu_library, cpu_team):
    products = products_of(cpu_library, cpu_team(1), None)
    with pytest.raises(AssertionError):
        products.pack([torch.zeros(7, 4)], None, 2)
