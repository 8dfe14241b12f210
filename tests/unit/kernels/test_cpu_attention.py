"""The native attention against the reference, and against itself in every other schedule, bit by bit."""

import itertools
import random

import pytest
import torch
from support.cpu_attention import Shape, World, in_chunks
from support.cpu_kernels import IS_SANITIZED
from support.variants import often

BF16, F32 = torch.bfloat16, torch.float32
SHAPES = {
    "plain": Shape(),
    "float": Shape(dtype=F32),
    "group of 7": Shape(num_heads=14, head_dim=64, half=32),
    "group of 14": Shape(num_heads=14, num_kv_heads=1, block_size=32),
    "heads of 8": Shape(num_heads=3, num_kv_heads=3, head_dim=8, half=4),
    "heads of 24": Shape(num_heads=5, num_kv_heads=1, head_dim=24, half=5),
    "heads of 24, float": Shape(num_heads=6, num_kv_heads=2, head_dim=24, half=12, dtype=F32),
    "heads of 80": Shape(num_heads=2, num_kv_heads=2, head_dim=80, half=16, block_size=48),
    "heads of 96": Shape(num_heads=6, num_kv_heads=1, head_dim=96, half=48),
    "heads of 128": Shape(num_heads=8, num_kv_heads=2, head_dim=128, half=64),
    "window of 1": Shape(window=1),
    "window of 17": Shape(window=17, block_size=32),
    "window of 511": Shape(window=511, num_heads=6),
    "window of 300, float": Shape(window=300, dtype=F32),
}
LENGTHS = [1, 17, 513] if IS_SANITIZED else [1, 2, 15, 16, 17, 33, 300, 511, 512, 513, 531, 1030]
SEEDS = often(range(4 if IS_SANITIZED else 8), range(20))
LONGEST = 600 if IS_SANITIZED else 1200
FAR = 1000 if IS_SANITIZED else 2000
CHUNKS = [1, 7, 16, 33]
"""Every shape is cut into single tokens and into one other length; into all of them in the long run."""
CUTS = often(
    [
        (n, size)
        for i, n in enumerate(SHAPES)
        for size in ([33] if IS_SANITIZED else (1, CHUNKS[1 + i % 3]))
    ],
    itertools.product(SHAPES, CHUNKS),
)
SPLITS = often(
    [(2, 0), (2, 50), (2, 4096)] if IS_SANITIZED else [(1, 50), (2, 0), (3, 4096)],
    itertools.product([1, 2, 3], [0, 50, 4096]),
)
"""Threads, and partial results that there is room for."""


def close(out_THD, expected_THD, dtype):
    # A weight of bf16 is off by 2^-9 of itself at most, and so is the answer.
    tolerance = {"rtol": 2e-2, "atol": 1e-2} if dtype == BF16 else {"rtol": 1e-4, "atol": 1e-5}
    torch.testing.assert_close(out_THD.to(expected_THD.dtype), expected_THD, **tolerance)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_equals_the_reference(shape, cpu_library, cpu_team):
    world = World(cpu_library, shape, LENGTHS, seed=1)
    answers = world.run(world.whole(), cpu_team(2))
    for answer, expected in zip(answers, world.expected(), strict=True):
        close(answer, expected, shape.dtype)


@pytest.mark.parametrize("seed", SEEDS)
def test_equals_the_reference_at_random(seed, cpu_library, cpu_team):
    draw = random.Random(seed)
    shape = random_shape(draw)
    world = World(cpu_library, shape, [draw.randint(1, LONGEST) for _ in range(4)], seed)
    answers = world.run(random_schedule(draw, world.lengths), cpu_team(draw.randint(1, 3)))
    for answer, expected in zip(answers, world.expected(), strict=True):
        close(answer, expected, shape.dtype)


@pytest.mark.parametrize(("name", "size"), CUTS)
def test_every_chunk_length_gives_the_same_bits(name, size, cpu_library, cpu_team):
    world = World(cpu_library, SHAPES[name], [290, 541], seed=2)
    whole = world.run(world.whole(), cpu_team(1))
    same(whole, world.run(in_chunks(world.lengths, size), cpu_team(1)))


@pytest.mark.parametrize(("threads", "partials"), SPLITS)
@pytest.mark.parametrize("name", ["group of 7", "window of 300, float", "window of 511"])
def test_threads_and_splits_give_the_same_bits(name, threads, partials, cpu_library, cpu_team):
    world = World(cpu_library, SHAPES[name], [FAR + 100, 5], seed=3)
    schedule = [{0: FAR}, *({0: 1} for _ in range(20)), {0: 1, 1: 5}, {0: 79}]
    same(world.run(schedule, cpu_team(1)), world.run(schedule, cpu_team(threads), partials))


@pytest.mark.parametrize("seed", SEEDS)
def test_company_gives_the_same_bits(seed, cpu_library, cpu_team):
    draw = random.Random(seed)
    lengths = [draw.randint(1, LONGEST) for _ in range(4)]
    world = World(cpu_library, random_shape(draw), lengths, seed)
    crowd = world.run(random_schedule(draw, world.lengths), cpu_team(draw.randint(1, 3)))
    for row, length in enumerate(world.lengths):
        alone = world.run([{row: length}], cpu_team(1))
        assert torch.equal(alone[row], crowd[row])


@pytest.mark.parametrize("bad", [torch.inf, torch.nan])
@pytest.mark.parametrize(
    "name", ["plain", "float", "group of 7", "heads of 24", "window of 17", "window of 300, float"]
)
def test_a_value_that_is_not_finite_reaches_no_earlier_token(name, bad, cpu_library, cpu_team):
    """Of its own chunk: those states would go into pages that others share. Nor a token that sees it no more."""
    shape, place, length = SHAPES[name], 21, 45
    world = World(cpu_library, shape, [length], seed=5)
    schedules = [list(in_chunks([length], size)) for size in (length, 1, 7)]
    clean = [world.run(schedule, cpu_team(2))[0] for schedule in schedules]
    world.qkv[0][place, -shape.head_dim :] = bad  # the last KV head's value
    num_spoiled = shape.num_heads // shape.num_kv_heads
    tokens = torch.arange(length)
    sees = (tokens >= place) & (tokens < place + (shape.window or length))
    for schedule, expected in zip(schedules, clean, strict=True):
        found = world.run(schedule, cpu_team(2))[0]
        assert not found[sees, -num_spoiled:].isfinite().any()
        found[sees, -num_spoiled:] = expected[sees, -num_spoiled:]
        assert torch.equal(found, expected)


def same(some, others):
    assert all(one.isfinite().all() for one in some)
    assert all(torch.equal(one, other) for one, other in zip(some, others, strict=True))


def random_shape(draw):
    num_kv_heads = draw.randint(1, 3)
    head_dim = draw.choice([8, 16, 24, 48, 64])
    return Shape(
        num_heads=num_kv_heads * draw.randint(1, 9),
        num_kv_heads=num_kv_heads,
        head_dim=head_dim,
        half=draw.randint(1, head_dim // 2),
        block_size=draw.choice([16, 32, 64]),
        window=draw.choice([None, None, 1, 16, 40, 512, 700]),
        dtype=draw.choice([BF16, F32]),
        has_norms=draw.random() < 0.3,
    )


def random_schedule(draw, lengths):
    left = dict(enumerate(lengths))
    while any(left.values()):
        counts = {i: min(n, draw.choice([0, 1, 1, 2, 16, 100, 300])) for i, n in left.items()}
        left = {i: n - counts[i] for i, n in left.items()}
        if any(counts.values()):
            yield {i: n for i, n in counts.items() if n}
