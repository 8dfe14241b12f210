"""Pairs of tokens and experts, sorted: nothing is lost, and every block is one expert's."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.cpu_experts import Shape, grouped, random_experts
from support.cpu_quant import run_step

from penstock.kernels.cpu.group import add_gather, make_groups

MOST_ROWS = 224
"""Of a block."""


def check(experts_TK, groups):
    """Re-derives all of it from what was chosen."""
    rows_N = groups.places_TK.flatten().long()
    assert sorted(rows_N.tolist()) == list(range(experts_TK.numel()))
    expected_N = torch.arange(len(experts_TK)).repeat_interleave(experts_TK.shape[1])
    assert torch.equal(groups.tokens_N[rows_N].long(), expected_N)
    expert_of_row = torch.empty_like(rows_N)
    expert_of_row[rows_N] = experts_TK.flatten()
    assert torch.equal(expert_of_row, experts_TK.flatten().sort().values)
    next_row = 0
    for expert, first, end in groups.blocks_N3[: groups.num_blocks_1].tolist():
        assert first == next_row < end <= first + MOST_ROWS
        assert (expert_of_row[first:end] == expert).all()
        next_row = end
    assert next_row == experts_TK.numel()


@given(st.integers(0, 10**6), st.integers(1, 300), st.integers(1, 70), st.data())
@settings(max_examples=60, deadline=None)
def test_every_pair_has_its_row(cpu_library, cpu_team, seed, num_tokens, num_experts, data):
    chosen = data.draw(st.integers(1, min(num_experts, 9)))
    experts_TK = random_experts(num_tokens, Shape(2, 2, num_experts, chosen), seed)
    _, groups = grouped(cpu_library, cpu_team(2), experts_TK, num_experts)
    check(experts_TK, groups)


@pytest.mark.parametrize("num_tokens", [1, 223, 224, 225, 449, 1000])
def test_one_expert_may_be_everybodys(num_tokens, cpu_library, cpu_team):
    experts_TK = torch.full((num_tokens, 1), 3)
    _, groups = grouped(cpu_library, cpu_team(2), experts_TK, 5)
    check(experts_TK, groups)
    assert groups.num_blocks_1.item() == -(-num_tokens // MOST_ROWS)
    sizes = [end - first for _, first, end in groups.blocks_N3[: groups.num_blocks_1].tolist()]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("shape", [(7, 3), (130, 40, 40), (1, 1)], ids=str)
def test_rows_are_copies_of_their_tokens(shape, cpu_library, cpu_team):
    experts_TK = random_experts(shape[0], Shape(2, 2, 6, 4), 1)
    _, groups = grouped(cpu_library, cpu_team(3), experts_TK, 6)
    x = torch.randint(0, 256, shape, dtype=torch.uint8)
    out = torch.zeros((groups.num_rows, *shape[1:]), dtype=torch.uint8)
    run_step(cpu_library, cpu_team(3), shape[0], lambda p: add_gather(p, groups, x, out))
    assert torch.equal(out, x[groups.tokens_N.long()])


def test_a_smaller_step_leaves_the_rest_alone(cpu_library, cpu_team):
    """Buffers are as large as the largest step; what lies behind this one's rows is nobody's."""
    groups = make_groups(10, 2, 4)
    x, out = torch.ones(10, 3), torch.zeros(20, 3)
    run_step(cpu_library, cpu_team(2), 4, lambda p: add_gather(p, groups, x, out))
    assert out[:8].all()
    assert not out[8:].any()
