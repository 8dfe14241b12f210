"""The native rope and cache against the reference, read back through the layout that is written down."""

import numpy as np
import pytest
import torch
from support.cpu_attention import Fed, Shape, World, in_chunks, step_of

from penstock.kernels.cpu.limits import PAGE
from penstock.kernels.cpu.program import Program
from penstock.kernels.cpu.rope_store import add_rope_store

BF16, F32 = torch.bfloat16, torch.float32
SHAPES = {
    "plain": Shape(),
    "float": Shape(dtype=F32),
    "norms": Shape(num_heads=6, head_dim=64, half=32, has_norms=True),
    "norms, float": Shape(head_dim=24, half=12, has_norms=True, dtype=F32),
    "part of a head": Shape(head_dim=80, half=5, block_size=48),
    "part of a head, float": Shape(head_dim=40, half=17, dtype=F32),
    "no rope": Shape(head_dim=16, half=0),
    "heads of 8": Shape(head_dim=8, half=4, block_size=32),
}
LENGTHS = [1, 15, 16, 17, 40]


def store(world, team, schedule):
    """The queries that came out, in order, by sequence."""
    shape = world.shape
    rows = [Fed(*of) for of in zip(world.qkv, world.blocks, strict=True)]
    for counts in schedule:
        picked = [(rows[i], n) for i, n in counts.items()]
        qkv_TX = torch.cat([row.qkv_TX[row.done : row.done + n] for row, n in picked])
        q_THD = torch.full((len(qkv_TX), shape.num_heads, shape.head_dim), torch.nan)
        q_THD = q_THD.to(shape.dtype)
        program = Program(world.library, team)
        add_rope_store(
            program, qkv_TX, world.cos_ME, world.sin_ME, q_THD, world.cache, shape.layout,
            world.norms,
        )  # fmt: skip
        program.run(step_of(picked))
        for (row, n), part in zip(picked, q_THD.split([n for _, n in picked]), strict=True):
            row.out.append(part)
            row.done += n
    return [torch.cat(row.out) for row in rows]


def read_back(world, blocks, length):
    """Keys and values [T, G, D] of a sequence, as `source/kv_layout.hpp` says they lie."""
    layout = world.shape.layout
    head_numel = (layout.head_dim + layout.width) * PAGE
    pages = world.cache[blocks].view(-1, layout.num_kv_heads, head_numel)
    keys, values = pages.split([layout.head_dim * PAGE, layout.width * PAGE], dim=2)
    part = 2 if layout.dtype == BF16 else 1
    keys = keys.reshape(len(pages), -1, layout.head_dim // part, PAGE, part)
    values = values.reshape(len(pages), -1, PAGE // part, layout.width, part)
    k_TGD = keys.permute(0, 3, 1, 2, 4).reshape(-1, layout.num_kv_heads, layout.head_dim)
    v_TGW = values.permute(0, 2, 4, 1, 3).reshape(-1, layout.num_kv_heads, layout.width)
    return k_TGD[:length], v_TGW[:length, :, : layout.head_dim]


@pytest.mark.parametrize("chunk", [1, 2, 3, 16, 100])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_equals_the_reference(shape, chunk, cpu_library, cpu_team):
    world = World(cpu_library, shape, LENGTHS, seed=1)
    world.cache.fill_(torch.nan)
    queries = store(world, cpu_team(2), in_chunks(LENGTHS, chunk))
    for qkv_TX, q_THD, blocks in zip(world.qkv, queries, world.blocks, strict=True):
        k_TGD, v_TGD = read_back(world, blocks, len(qkv_TX))
        expected_q, expected_k, expected_v = world.turned(qkv_TX)
        # The reference turned in float64 here: the last bit may differ.
        tolerance = {"rtol": 2**-7, "atol": 1e-6} if shape.dtype == BF16 else {}
        torch.testing.assert_close(q_THD, expected_q, **tolerance)
        torch.testing.assert_close(k_TGD, expected_k, **tolerance)
        assert torch.equal(v_TGD, expected_v)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_chunks_and_threads_do_not_change_a_bit(shape, cpu_library, cpu_team):
    world = World(cpu_library, shape, LENGTHS, seed=2)
    whole = store(world, cpu_team(1), world.whole())
    cached = [read_back(world, b, n) for b, n in zip(world.blocks, LENGTHS, strict=True)]
    for chunk, threads in ((1, 1), (3, 3), (7, 2)):
        world.cache.fill_(torch.nan)
        parts = store(world, cpu_team(threads), in_chunks(LENGTHS, chunk))
        assert all(torch.equal(a, b) for a, b in zip(whole, parts, strict=True))
        for of, blocks, length in zip(cached, world.blocks, LENGTHS, strict=True):
            assert all(map(torch.equal, of, read_back(world, blocks, length)))


def test_the_token_after_the_last_has_a_value_of_zero(cpu_library, cpu_team):
    world = World(cpu_library, Shape(), [5], seed=0)
    world.cache.fill_(torch.nan)
    store(world, cpu_team(1), [{0: 5}])
    _, v_TGD = read_back(world, world.blocks[0], 6)
    assert v_TGD[5].eq(0).all()


def test_nothing_else_is_written(cpu_library, cpu_team):
    world = World(cpu_library, Shape(), [17, 3], seed=0)
    world.cache.fill_(torch.nan)
    store(world, cpu_team(2), world.whole())
    unused = np.setdiff1d(np.arange(len(world.cache)), np.concatenate(world.blocks))
    assert len(unused) == 2
    assert world.cache[unused].isnan().all()
