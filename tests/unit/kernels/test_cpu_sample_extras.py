"""Native penalties and log probabilities against torch's."""

import numpy as np
import pytest
import torch
from support.draws import SHAPES, random_logits

from penstock.kernels.cpu.sample import NativeSampling
from penstock.kernels.draws import DRAW
from penstock.kernels.penalties import PENALTY
from penstock.workers.sampler.ops import TorchSampling


@pytest.fixture
def native(cpu_library, cpu_team):
    return NativeSampling(cpu_library, cpu_team(2))


@pytest.mark.parametrize("length", [1, 40, 2000])
def test_penalties_change_the_same_bits_as_torch(length, native):
    random = np.random.default_rng(length)
    logits_RV = torch.from_numpy(random_logits(random, "spread", 24, 700))
    tokens_SL = random.integers(0, 700, (40, length + 3), dtype=np.int32)
    penalties_N = np.zeros(20, dtype=PENALTY)
    penalties_N["row"] = random.permutation(24)[:20]
    penalties_N["slot"] = random.permutation(40)[:20]
    penalties_N["num_tokens"] = random.integers(1, length + 1, 20)
    penalties_N["num_prompt"] = random.integers(0, penalties_N["num_tokens"] + 1)
    penalties_N["repetition"] = random.choice([1, 1.3, 0.5], 20)
    penalties_N["frequency"] = random.choice([0, 0.7, -0.3], 20)
    penalties_N["presence"] = random.choice([0, 1.1], 20)
    expected_RV = logits_RV.clone()
    TorchSampling().penalise(expected_RV, tokens_SL, penalties_N)
    for _ in range(2):  # nothing is remembered
        penalised_RV = logits_RV.clone()
        native.penalise(penalised_RV, tokens_SL, penalties_N)
        assert torch.equal(penalised_RV, expected_RV)


def test_a_token_beyond_the_vocabulary_is_passed_over(native):
    penalties_N = np.array([(1, 0, 0, 4, 2.0, 0.5, 0.25)], dtype=PENALTY)
    tokens_SL = np.array([[3, 2**31 - 1, -1, 10]], dtype=np.int32)
    logits_RV = torch.ones(3, 10)
    native.penalise(logits_RV, tokens_SL, penalties_N)
    assert logits_RV[1].tolist() == [1, 1, 1, 0.5 - 0.5 - 0.25, 1, 1, 1, 1, 1, 1]
    assert (logits_RV[[0, 2]] == 1).all()


@pytest.mark.parametrize("size", [1, 257, 5000])
@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape != "masked"])
def test_log_probabilities_are_those_of_torch(shape, size, native):
    random = np.random.default_rng(size)
    logits_RV = torch.from_numpy(random_logits(random, shape, 12, size))
    rows_N = random.permutation(12)[:9]
    token_ids_N = torch.from_numpy(random.integers(0, size, 9))
    for count in {0, min(5, size), min(900, size), size}:
        ours = native.top_logprobs(logits_RV, rows_N, token_ids_N, count)
        theirs = TorchSampling().top_logprobs(logits_RV, rows_N, token_ids_N, count)
        assert np.array_equal(ours[0], theirs[0])
        np.testing.assert_allclose(ours[1], theirs[1], atol=2e-6, rtol=1e-6)
        assert np.array_equal(ours[2], theirs[2])


def test_ids_without_a_number_come_last(native):
    logits_RV = torch.tensor([[-np.inf, 2.0, np.nan, 3.0, -np.inf], [np.inf, 1.0, np.inf, 2, 3]])
    ids_NW, values_NW, ranks_N = native.top_logprobs(
        logits_RV, np.array([0, 1]), torch.tensor([1, 1]), 5
    )
    assert ids_NW.tolist() == [[1, 3, 1, 0, 2, 4], [1, 0, 2, 4, 3, 1]]
    assert values_NW[0, [0, 1]].tolist() == pytest.approx([-1.3132617, -0.3132617])
    assert ranks_N.tolist() == [2, 5]


@pytest.mark.parametrize("size", [1, 31, 32, 33, 257, 5000])
def test_masks_leave_the_same_logits_and_tokens_as_torch(size, native):
    random = np.random.default_rng(size)
    words_SW = random.integers(0, 1 << 32, (9, -(-size // 32) + 2), dtype=np.uint32)
    words_SW[3], words_SW[4] = 0, 0xFFFFFFFF
    logits_RV = torch.from_numpy(random_logits(random, "spread", 12, size))
    rows_N, slots_N = np.sort(random.permutation(12)[:7]), random.permutation(9)[:7]
    draws_N = np.array([(i % 2, 1.0, 0.0, i / 7, 0) for i in range(7)], dtype=DRAW)
    expected_RV = logits_RV.clone()
    expected_N = TorchSampling().choose_among(expected_RV, words_SW, rows_N, slots_N, draws_N)
    found_N = native.choose_among(logits_RV, words_SW, rows_N, slots_N, draws_N)
    assert torch.equal(logits_RV, expected_RV)
    assert torch.equal(found_N, expected_N)
    for row, slot in zip(rows_N, slots_N, strict=True):
        bits = np.unpackbits(words_SW[slot].view(np.uint8), bitorder="little")[:size]
        assert np.array_equal(np.isfinite(logits_RV[row].numpy()), bits.astype(bool))
    untouched = [row for row in range(12) if row not in rows_N]
    assert np.isfinite(logits_RV[untouched].numpy()).all()
