"""Routers and experts in Triton against the oracle, and against themselves in other company, bit by bit."""

import pytest
import torch
from support.kernel_cases import Draw, close

from penstock.kernels import reference

pytestmark = pytest.mark.gpu
NUM_EXPERTS = (8, 16, 60, 64)


@pytest.fixture(scope="module")
def ops(device):
    from penstock.kernels import triton

    return triton


class Case:
    """Random experts and tokens; the same seed gives the same."""

    def __init__(self, draw, dtype, num_tokens, num_experts, chosen, hidden=48, width=40):
        self.x_TD = draw.normal(num_tokens, hidden, dtype=dtype)
        scale = hidden**-0.5
        self.gate_up_EJD = draw.normal(num_experts, 2 * width, hidden, dtype=dtype) * scale
        self.down_EDI = draw.normal(num_experts, hidden, width, dtype=dtype) * scale
        weights_TK, experts_TK = reference.route(
            draw.normal(num_tokens, num_experts), chosen, normalize=True
        )
        self.weights_TK, self.experts_TK = weights_TK.contiguous(), experts_TK.contiguous()

    def by(self, ops, tokens=slice(None), **how):
        return ops.fused_experts(
            self.x_TD[tokens], self.gate_up_EJD, self.down_EDI,
            self.weights_TK[tokens], self.experts_TK[tokens], **how,
        )  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
def test_a_router_takes_the_likeliest(ops, device, dtype, seed):
    draw = Draw(seed, device)
    num_experts, chosen = draw.some.choice(NUM_EXPERTS), draw.some.randint(1, 8)
    # No two experts of a token are equal: torch does not say which of those it takes.
    ranks_TE = torch.stack([draw.permutation(num_experts) for _ in range(draw.some.randint(1, 40))])
    logits_TE = (ranks_TE / 8).to(dtype)
    for normalize in (False, True):
        weights_TK, experts_TK = ops.route(logits_TE, chosen, normalize=normalize)
        expected_TK, expected_ids_TK = reference.route(logits_TE, chosen, normalize=normalize)
        assert torch.equal(experts_TK, expected_ids_TK)
        close(weights_TK, expected_TK)


def test_a_router_takes_the_first_of_equals_and_nan_last(ops, device):
    nan, inf = float("nan"), float("inf")
    rows = [[0.0] * 9, [nan] * 9, [-inf] * 9, [nan, 1.0, nan, 2.0, 2.0, -inf, nan, 0.0, 1.0]]
    logits_TE = torch.tensor(rows, device=device)
    _, experts_TK = ops.route(logits_TE, 6, normalize=True)
    assert experts_TK.tolist() == [[0, 1, 2, 3, 4, 5]] * 3 + [[3, 4, 1, 8, 7, 0]]


def test_a_token_is_routed_alike_in_any_company(ops, device, dtype):
    logits_TE = Draw(1, device).normal(70, 60, dtype=dtype)
    together = ops.route(logits_TE, 4, normalize=True)
    for token in (0, 33, 69):
        alone = ops.route(logits_TE[token : token + 1], 4, normalize=True)
        for found, expected in zip(alone, together, strict=True):
            assert torch.equal(found[0], expected[token])


@pytest.mark.parametrize("chosen", range(1, 9))
def test_equals_the_oracle(ops, device, dtype, chosen):
    draw = Draw(chosen, device)
    case = Case(
        draw, dtype, draw.some.randint(1, 8), draw.some.choice((8, 12, 16)), chosen,
        draw.some.choice((16, 48, 72)), draw.some.choice((16, 40, 96)),
    )  # fmt: skip
    close(case.by(ops, batch_invariant=chosen % 2 == 0), case.by(reference))


def test_most_experts_are_not_wanted(ops, device, dtype):
    case = Case(Draw(9, device), dtype, 2, 64, 8)
    close(case.by(ops), case.by(reference))


@pytest.mark.parametrize("num_tokens", [1, 20, 100])
def test_whatever_the_tiles(ops, device, dtype, num_tokens):
    """Sixteen rows for few tokens, as many as there are tiles of for many; a sum longer than a tile is deep."""
    case = Case(Draw(num_tokens, device), dtype, num_tokens, 4, 3, hidden=136, width=132)
    close(case.by(ops), case.by(reference))


@pytest.mark.parametrize("expert", [0, 3, 7])
def test_all_tokens_to_one_expert(ops, device, dtype, expert):
    """More of them than a tile has rows; the other experts have none."""
    case = Case(Draw(expert, device), dtype, 37, 8, 1)
    case.experts_TK[:] = expert
    close(case.by(ops), case.by(reference))


def test_an_expert_without_tokens_is_not_read(ops, device, dtype):
    case = Case(Draw(2, device), dtype, 12, 8, 2)
    case.experts_TK[:, 0], case.experts_TK[:, 1] = 6, 1
    expected_TD = case.by(reference)
    for expert in {0, 2, 3, 4, 5, 7}:
        case.gate_up_EJD[expert], case.down_EDI[expert] = float("nan"), float("nan")
    close(case.by(ops), expected_TD)


def test_rows_may_lie_apart(ops, device, dtype):
    case = Case(Draw(3, device), dtype, 5, 8, 2)
    expected_TD = case.by(reference)
    case.x_TD = torch.cat([case.x_TD, case.x_TD], dim=1)[:, : case.x_TD.shape[1]]
    assert not case.x_TD.is_contiguous()
    close(case.by(ops), expected_TD)


def test_invariant_bits_do_not_depend_on_company(ops, device, dtype):
    case = Case(Draw(4, device), dtype, 70, 8, 2)
    together_TD = case.by(ops, batch_invariant=True)
    for tokens in (slice(0, 1), slice(50, 70)):
        assert torch.equal(case.by(ops, tokens, batch_invariant=True), together_TD[tokens])


def test_the_same_tokens_give_the_same_bits_again(ops, device, dtype):
    case = Case(Draw(5, device), dtype, 12, 8, 4)
    assert torch.equal(case.by(ops), case.by(ops))


@pytest.mark.parametrize("seed", range(4))
def test_tiles_hold_every_assignment_once_and_one_expert_each(device, seed):
    from penstock.kernels.triton.expert_order import most_tiles, order_by_expert

    draw = Draw(seed, device)
    num_experts, chosen = draw.some.choice((1, 5, 64)), 1
    num_tokens = draw.some.choice((1, 30, 1500))
    wanted = [draw.some.randrange(num_experts) for _ in range(num_tokens)]
    experts_TK = torch.tensor(wanted, device=device).view(-1, chosen)
    order = order_by_expert(experts_TK, num_experts, 16)
    assert order.num_tiles == most_tiles(num_tokens, num_experts, 16)
    tiles = zip(order.experts_M.tolist(), order.assignments_P.view(-1, 16).tolist(), strict=True)
    found = [
        (expert, one) for expert, own in tiles if expert >= 0 for one in own if one < num_tokens
    ]
    assert found == sorted((expert, number) for number, expert in enumerate(wanted))


def test_a_captured_launch_serves_other_choices(ops, cuda):
    """The shapes decide the launch, so a graph may be replayed with what the router chose since."""
    case = Case(Draw(6, cuda), torch.bfloat16, 24, 16, 4)
    case.by(ops)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        found_TD = case.by(ops)
    for first in (0, 9):
        case.experts_TK.copy_((case.experts_TK * 0 + torch.arange(4, device=cuda) + first) % 16)
        graph.replay()
        close(found_TD, case.by(reference))


def test_experts_beyond_two_to_the_31_numbers(ops, cuda):
    num_experts, hidden, width = 70, 4096, 4096
    if torch.cuda.mem_get_info()[0] < 8 * num_experts * hidden * width:
        pytest.skip("not enough memory")
    case = Case(Draw(7, cuda), torch.bfloat16, 3, 2, 1, hidden, width)
    expected_TD = case.by(reference)
    for name in ("gate_up_EJD", "down_EDI"):
        few = getattr(case, name)
        many = few.new_zeros((num_experts, *few.shape[1:]))
        many[-2:] = few
        setattr(case, name, many)
    case.experts_TK += num_experts - 2
    close(case.by(ops), expected_TD)
