"""The native router against the reference, at ties, at numbers that are none, and bit by bit in any company."""

import pytest
import torch
from support.cpu_quant import run_step

from penstock.kernels import reference
from penstock.kernels.cpu.route import add_route, make_routes

SHAPES = [(1, 1, 1), (3, 8, 2), (9, 60, 4), (40, 128, 8), (5, 17, 17), (2, 33, 16), (7, 16, 3)]
"""Tokens, experts, chosen."""


def route(library, team, logits_TC, num_experts, num_chosen, normalize=False):
    routes = make_routes(len(logits_TC), num_chosen)
    run_step(
        library, team, len(logits_TC),
        lambda program: add_route(program, logits_TC, num_experts, routes, normalize=normalize),
    )  # fmt: skip
    return routes


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("spread", [0.1, 1, 30])
def test_equals_the_reference(shape, normalize, spread, cpu_library, cpu_team):
    num_tokens, num_experts, num_chosen = shape
    dice = torch.Generator().manual_seed(num_experts)
    logits_TE = torch.randn(num_tokens, num_experts, generator=dice) * spread
    routes = route(cpu_library, cpu_team(2), logits_TE, num_experts, num_chosen, normalize)
    weights_TK, experts_TK = reference.route(logits_TE, num_chosen, normalize=normalize)
    torch.testing.assert_close(routes.weights_TK, weights_TK, rtol=1e-5, atol=1e-7)
    assert torch.equal(routes.experts_TK.long(), logits_TE.topk(num_chosen).indices)
    likely_TK = weights_TK > 1e-30  # below it softmax itself no longer tells them apart
    assert torch.equal(routes.experts_TK[likely_TK].long(), experts_TK[likely_TK])


def test_the_gate_of_the_expert_for_all_is_a_sigmoid(cpu_library, cpu_team):
    logits_TC = torch.randn(20, 7)
    logits_TC[:3, 6] = torch.tensor([200.0, -200.0, 0.0])
    routes = route(cpu_library, cpu_team(2), logits_TC, 6, 3)
    torch.testing.assert_close(routes.shared_T, logits_TC[:, 6].sigmoid(), rtol=1e-6, atol=1e-30)
    assert (routes.experts_TK < 6).all()


def test_of_equals_the_first_are_taken(cpu_library, cpu_team):
    logits_TE = torch.tensor([[1.0, 2.0, 2.0, 2.0, 0.0], [0.0] * 5, [-0.0, 0.0, -1.0, 0.0, -2.0]])
    routes = route(cpu_library, cpu_team(1), logits_TE, 5, 2, normalize=True)
    assert routes.experts_TK.tolist() == [[1, 2], [0, 1], [0, 1]]
    assert torch.equal(routes.weights_TK, torch.full((3, 2), 0.5))


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("place", [0, 4, 19])
def test_what_is_no_number_spoils_its_own_token_alone(bad, place, cpu_library, cpu_team):
    logits_TE = torch.randn(5, 20)
    clean = route(cpu_library, cpu_team(1), logits_TE, 20, 6)
    logits_TE[2, place] = bad
    broken = route(cpu_library, cpu_team(1), logits_TE, 20, 6)
    assert all(len(set(ids)) == 6 for ids in broken.experts_TK.tolist())
    assert ((broken.experts_TK >= 0) & (broken.experts_TK < 20)).all()
    expected, _ = reference.route(logits_TE[2:3], 6, normalize=False)
    assert torch.equal(broken.weights_TK[2].isnan(), expected[0].isnan())
    others = torch.tensor([0, 1, 3, 4])
    assert torch.equal(broken.weights_TK[others], clean.weights_TK[others])
    assert torch.equal(broken.experts_TK[others], clean.experts_TK[others])


def test_a_token_has_the_same_bits_in_any_company(cpu_library, cpu_team):
    logits_TC = torch.randn(50, 61)
    whole = route(cpu_library, cpu_team(1), logits_TC, 60, 4, normalize=True)
    for first, end in [(0, 1), (3, 20), (49, 50), (7, 50)]:
        for threads in (1, 2, 3):
            some_TC = logits_TC[first:end].contiguous()
            some = route(cpu_library, cpu_team(threads), some_TC, 60, 4, normalize=True)
            assert torch.equal(some.weights_TK, whole.weights_TK[first:end])
            assert torch.equal(some.experts_TK, whole.experts_TK[first:end])
            assert torch.equal(some.shared_T, whole.shared_T[first:end])
