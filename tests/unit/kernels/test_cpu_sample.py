"""The native sampler against the definition, against torch's, and against itself in other company."""

import math

import numpy as np
import pytest
import torch
from support.cpu_kernels import IS_SANITIZED
from support.draws import SHAPES, draws, may_draw, random_draws, random_logits

from penstock.kernels.cpu.sample import NativeSampling
from penstock.workers.sampler.ops import TorchSampling

SIZES = (1, 5, 16, 255, 256, 257, 700, 5000)
LARGE = 152_064
NUM_ROWS = 40


@pytest.fixture
def native(cpu_library, cpu_team):
    return NativeSampling(cpu_library, cpu_team(2))


@pytest.mark.parametrize("size", [*SIZES, LARGE])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_row_draws_by_definition(shape, size, native):
    random = np.random.default_rng(size)
    num_rows = NUM_ROWS if size < LARGE else 8
    logits_RV = random_logits(random, shape, num_rows, size)
    draws_R = random_draws(random, num_rows)
    ids_R = native.choose(torch.from_numpy(logits_RV), draws_R)
    for logits_V, draw, token_id in zip(logits_RV, draws_R, ids_R.tolist(), strict=True):
        assert may_draw(logits_V, draw, token_id), (draw, token_id)


@pytest.mark.skipif(IS_SANITIZED, reason="it counts, and the code it runs is that of the others")
def test_torch_draws_the_same_but_at_borders(native):
    random = np.random.default_rng(7)
    drawn = different = 0
    for shape in SHAPES:
        logits_RV = random_logits(random, shape, 150, 3000)
        draws_R = random_draws(random, 150)
        ids_R = native.choose(torch.from_numpy(logits_RV), draws_R)
        torch_ids_R = TorchSampling().choose(torch.from_numpy(logits_RV), draws_R)
        for i in (ids_R != torch_ids_R).nonzero().flatten().tolist():
            assert may_draw(logits_RV[i], draws_R[i], int(ids_R[i])), draws_R[i]
            different += 1
        drawn += len(ids_R)
    assert different <= drawn * 2e-3, (different, drawn)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_and_company_change_no_token(threads, cpu_library, cpu_team):
    random = np.random.default_rng(3)
    logits_RV = torch.from_numpy(
        np.concatenate([random_logits(random, s, 16, 5000) for s in SHAPES])
    )
    draws_R = random_draws(random, len(logits_RV))
    order_R = random.permutation(len(logits_RV))
    crowd = NativeSampling(cpu_library, cpu_team(threads))
    alone = NativeSampling(cpu_library, cpu_team(1))
    together_R = crowd.choose(logits_RV[order_R], draws_R[order_R])
    for i, token_id in zip(order_R, together_R.tolist(), strict=True):
        assert alone.choose(logits_RV[i : i + 1], draws_R[i : i + 1]).tolist() == [token_id]


def test_rows_may_lie_apart(native):
    random = np.random.default_rng(4)
    wide_RV = torch.from_numpy(random_logits(random, "spread", 6, 900))
    draws_R = random_draws(random, 6)
    near_R = native.choose(wide_RV[:, 100:800].contiguous(), draws_R)
    assert native.choose(wide_RV[:, 100:800], draws_R).tolist() == near_R.tolist()


def test_the_best_is_the_lowest_id_among_equals(native):
    logits_RV = torch.zeros(1, 3000)
    logits_RV[0, [2999, 1234, 1240]] = 7.0
    assert native.choose(logits_RV, draws(1, temperature=0)).tolist() == [1234]
    logits_RV.neg_()
    assert native.choose(logits_RV, draws(1, temperature=0)).tolist() == [0]


WAYS = [{"temperature": 0}, {}, {"top_k": 5}, {"top_p": 0.5}, {"min_p": 0.1}, {"top_k": 10**18}]


@pytest.mark.parametrize("columns", WAYS)
@pytest.mark.parametrize("uniform", [0.0, 1 - 2**-53])
def test_broken_rows_have_an_answer(columns, uniform, native):
    def drawn(values):
        return int(native.choose(torch.tensor([values]), draws(1, uniform=uniform, **columns))[0])

    for broken in (math.nan, -math.inf):
        assert drawn([broken] * 700) == 0
    assert drawn([math.inf] * 700) == 0
    assert drawn([0.0, math.nan, math.inf, 3.0, math.inf]) == 2
    assert drawn([math.nan, -math.inf] * 200 + [2.0] + [math.nan] * 400) == 400


@pytest.mark.parametrize("temperature", [1e-300, 1e-30, 1e30, 1e300])
def test_no_temperature_is_too_much(temperature, native):
    random = np.random.default_rng(5)
    logits_RV = random_logits(random, "spread", 8, 700)
    for columns in WAYS[1:]:
        columns = {**columns, "temperature": temperature}
        draws_R = draws(8, uniform=random.random(8), **columns)
        ids_R = native.choose(torch.from_numpy(logits_RV), draws_R)
        for logits_V, draw, token_id in zip(logits_RV, draws_R, ids_R.tolist(), strict=True):
            assert may_draw(logits_V, draw, token_id), draw
