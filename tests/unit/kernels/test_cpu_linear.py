"""Native products, norms and lookups against float64, at the edges of panels, and bit by bit in any company."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from penstock.kernels import reference
from penstock.kernels.cpu.embedding import add_embedding
from penstock.kernels.cpu.linear import add_linear, add_linear_gate_up, add_linear_residual
from penstock.kernels.cpu.program import Extent, Program, Step
from penstock.kernels.cpu.rms_norm import add_rms_norm
from penstock.kernels.cpu.weights import can_pack, pack, pack_gate_up

BF16, F32 = torch.bfloat16, torch.float32
SHAPES = [(1, 2, 1), (2, 64, 31), (9, 898, 50), (14, 32, 64), (15, 256, 96), (225, 34, 33)]
"""Tokens, inputs, outputs."""


def step_of(num_tokens, token_ids=None, samples=()):
    zeros = np.zeros(num_tokens, dtype=np.int32)
    one = np.array([num_tokens], dtype=np.int32)
    table = np.zeros((1, 1), dtype=np.int32)
    ids = zeros if token_ids is None else token_ids.numpy().astype(np.int32)
    return Step(ids, zeros, one, one, table, np.array(samples, dtype=np.int32))


class Case:
    def __init__(self, shape, dtype, seed=0):
        num_tokens, inputs, outputs = shape
        dice = torch.Generator().manual_seed(seed)
        self.x = torch.randn(num_tokens, inputs, generator=dice).to(dtype)
        self.weight = (torch.randn(outputs, inputs, generator=dice) / inputs**0.5).to(dtype)
        self.bias = torch.randn(outputs, generator=dice).to(dtype)
        self.expected = self.x.double() @ self.weight.double().T + self.bias.double()
        self.tolerance = 2**-7 if dtype == BF16 else 1e-5
        self.dtype = dtype


@pytest.fixture(params=[BF16, F32], ids=["bf16", "f32"])
def dtype(request):
    return request.param


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("threads", [1, 3])
def test_products_equal_the_reference(shape, dtype, threads, cpu_library, cpu_team):
    case, team = Case(shape, dtype), cpu_team(threads)
    packed = pack(cpu_library, team, [case.weight], case.bias)
    same, wide = torch.empty(case.expected.shape, dtype=dtype), torch.empty(case.expected.shape)
    residual = torch.randn(case.expected.shape)
    before = residual.clone()
    program = Program(cpu_library, team)
    add_linear(program, Extent.TOKENS, case.x, packed, same)
    add_linear(program, Extent.TOKENS, case.x, packed, wide)
    add_linear_residual(program, case.x, packed, residual)
    program.run(step_of(len(case.x)))
    torch.testing.assert_close(wide.double(), case.expected, rtol=1e-5, atol=1e-5)
    assert torch.equal(same, wide.to(dtype))
    torch.testing.assert_close(residual, before + wide, rtol=0, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 8, 2), (3, 64, 30), (16, 48, 32), (29, 128, 70)], ids=str)
def test_gate_and_up(shape, dtype, cpu_library, cpu_team):
    case, team = Case(shape, dtype), cpu_team(2)
    packed = pack_gate_up(cpu_library, team, [case.weight], case.bias)
    out = torch.empty((shape[0], shape[2] // 2), dtype=dtype)
    program = Program(cpu_library, team)
    add_linear_gate_up(program, case.x, packed, out)
    program.run(step_of(shape[0]))
    gate, up = case.expected.chunk(2, dim=1)
    expected = F.silu(gate) * up
    torch.testing.assert_close(out.double(), expected, rtol=case.tolerance, atol=case.tolerance / 8)


def test_a_row_is_the_same_in_any_company(dtype, cpu_library, cpu_team):
    case = Case((64, 130, 77), dtype)
    packed = pack(cpu_library, cpu_team(1), [case.weight], case.bias)

    def product(rows, threads):
        out = torch.empty((len(rows), 77))
        program = Program(cpu_library, cpu_team(threads))
        add_linear(program, Extent.TOKENS, case.x[rows].contiguous(), packed, out)
        program.run(step_of(len(rows)))
        return out

    whole = product(range(64), 1)
    for first, end in [(0, 1), (0, 5), (3, 17), (10, 24), (63, 64), (5, 60)]:
        for threads in (1, 2, 3):
            assert torch.equal(product(range(first, end), threads), whole[first:end])


def test_only_sampled_tokens_pass_the_head(dtype, cpu_library, cpu_team):
    dice = torch.Generator().manual_seed(3)
    x, norm = torch.randn(20, 48, generator=dice), torch.randn(48, generator=dice).to(dtype)
    weight = torch.randn(100, 48, generator=dice).to(dtype)
    packed = pack(cpu_library, cpu_team(2), [weight])
    hidden, logits = torch.zeros((20, 48), dtype=dtype), torch.zeros((20, 100))
    program = Program(cpu_library, cpu_team(2))
    add_rms_norm(program, Extent.SAMPLES, x, norm, hidden, 1e-6)
    add_linear(program, Extent.SAMPLES, hidden, packed, logits)
    program.run(step_of(20, samples=(3, 19, 4)))
    expected = reference.rms_norm(x.to(dtype), norm, 1e-6)[[3, 19, 4]]
    if dtype == F32:
        torch.testing.assert_close(hidden[:3], expected)
    torch.testing.assert_close(
        logits[:3].double(), hidden[:3].double() @ weight.double().T, rtol=1e-5, atol=1e-5
    )
    assert not logits[3:].any()
    assert not hidden[3:].any()


@pytest.mark.parametrize("size", [(1, 1), (3, 16), (9, 897), (70, 64)], ids=str)
def test_norm_equals_the_reference(size, dtype, cpu_library, cpu_team):
    x, weight = torch.randn(size), torch.randn(size[1]).to(dtype)
    out = torch.empty(size, dtype=dtype)
    program = Program(cpu_library, cpu_team(2))
    add_rms_norm(program, Extent.TOKENS, x, weight, out, 1e-6)
    program.run(step_of(size[0]))
    scaled = x.double() * torch.rsqrt(x.double().pow(2).mean(1, keepdim=True) + 1e-6)
    tolerance = 2**-7 if dtype == BF16 else 1e-5
    torch.testing.assert_close(
        out.double(), scaled * weight.double(), rtol=tolerance, atol=tolerance / 8
    )


def test_embedding_reads_rows_back_from_panels(dtype, cpu_library, cpu_team):
    table, ids = torch.randn(99, 34).to(dtype), torch.randint(0, 99, (40,))
    ids[:2] = torch.tensor([0, 98])
    packed, out = pack(cpu_library, cpu_team(1), [table]), torch.empty((40, 34))
    program = Program(cpu_library, cpu_team(2))
    add_embedding(program, packed, out)
    program.run(step_of(40, ids))
    assert torch.equal(out, table[ids].float())


def test_what_cannot_be_packed_is_known_before():
    assert can_pack(torch.empty(3, 4, dtype=BF16))
    assert can_pack(torch.empty(3, 3))
    assert not can_pack(torch.empty(3, 3, dtype=BF16))
    assert not can_pack(torch.empty(3, 4, dtype=torch.float16))


def test_a_program_runs_again_and_again_while_threads_come_late(cpu_library, cpu_team):
    """Many more operations than tiles: threads overtake one another at every one of them."""
    case = Case((1, 64, 64), F32)
    team = cpu_team(4)
    packed = pack(cpu_library, team, [torch.eye(64)])
    residual = torch.zeros((1, 64))
    program = Program(cpu_library, team)
    for _ in range(50):
        add_linear_residual(program, case.x, packed, residual)
    for _ in range(40):
        program.run(step_of(1))
    torch.testing.assert_close(residual, case.x * 2000, rtol=1e-4, atol=1e-3)
