"""Over thousands of positions the tokens come as often as their probabilities say."""

from typing import Any

import numpy as np
import pytest
import torch
from msgspec.structs import replace
from support import sampling_oracle as oracle
from support.sampling_rows import Row, sample

from penstock.protocol.sampling import SamplingParams
from penstock.workers.sampler.noise import uniforms

NUM_DRAWS = 6000
SIGMAS = 4.0

FILTERS: list[dict[str, Any]] = [
    {},
    {"temperature": 0.5},
    {"temperature": 2.0, "min_p": 0.1},
    {"top_k": 7},
    {"top_p": 0.8},
    {"top_k": 20, "top_p": 0.7, "min_p": 0.02},
]


def chi_square_sigmas(counts: np.ndarray, chances: np.ndarray) -> float:
    """How far chi-square lies above its mean, in its standard deviations; rare bins are merged."""
    expected = chances * counts.sum()
    common = expected >= 8
    seen, due = (np.append(x[common], x[~common].sum()) for x in (counts, expected))
    seen, due = seen[due > 0], due[due > 0]
    freedom = len(due) - 1
    return float((((seen - due) ** 2 / due).sum() - freedom) / np.sqrt(2 * freedom))


@pytest.mark.parametrize("fields", FILTERS)
def test_tokens_come_as_often_as_they_should(fields: dict[str, Any]) -> None:
    logits = torch.from_numpy(np.random.default_rng(1).normal(size=600) * 2).float()
    base = replace(SamplingParams(1), **fields)
    batch = [Row(logits, replace(base, seed=seed)) for seed in range(NUM_DRAWS)]
    counts = np.bincount(sample(batch).token_ids_R, minlength=600)
    chances = np.zeros(600)
    for token_id, chance in oracle.distribution(logits.tolist(), base):
        chances[token_id] = chance
    assert counts[chances == 0].sum() == 0
    assert chi_square_sigmas(counts, chances) < SIGMAS


@pytest.mark.parametrize("along", ["positions of one seed", "seeds at one position"])
def test_noise_is_uniform_and_uncorrelated(along: str) -> None:
    steps, still = np.arange(1 << 16), np.full(1 << 16, 7)
    seeds, positions = (still, steps) if along.startswith("positions") else (steps, still)
    noise = uniforms(seeds.astype(np.uint64), positions)
    counts = np.histogram(noise, bins=256, range=(0, 1))[0]
    assert abs(chi_square_sigmas(counts, np.full(256, 1 / 256))) < SIGMAS
    for lag in (1, 2, 64):
        assert abs(np.corrcoef(noise[:-lag], noise[lag:])[0, 1]) * 256 < SIGMAS


def test_noise_never_changes() -> None:
    """Streams continue on another engine, perhaps of another version: these numbers are a promise."""
    seeds = np.array([0, 1, 2**64 - 1], dtype=np.uint64)
    expected = [0.7012121095215252, 0.9406635040313442, 0.16108300974245593]
    assert uniforms(seeds, np.array([1, 100, 2**31])).tolist() == expected
