"""The sampler's steps in Triton against their definitions in numpy and torch."""

import math

import numpy as np
import pytest
import torch
from support.draws import SHAPES, draws, may_draw, random_draws, random_logits

from penstock.kernels.draws import DRAW
from penstock.kernels.penalties import PENALTY

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module")
def sampling(device):
    from penstock.kernels.triton.sampling.ops import TritonSampling

    return TritonSampling()


@pytest.fixture(scope="module")
def sizes(device):
    """Vocabularies, and how many rows of each."""
    compiled = {16: 40, 5000: 40, 128_256: 16, 152_064: 16}
    return compiled if device.type == "cuda" else {130: 2, 700: 2}


def check(sampling, device, logits_RV, draws_R):
    ids_R = sampling.choose(torch.from_numpy(logits_RV).to(device), draws_R)
    for logits_V, draw, token_id in zip(logits_RV, draws_R, ids_R.tolist(), strict=True):
        assert may_draw(logits_V, draw, token_id), (draw, token_id)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_row_draws_by_definition(sampling, device, sizes, shape):
    random = np.random.default_rng(7)
    for size, num_rows in sizes.items():
        logits_RV = random_logits(random, shape, num_rows, size)
        check(sampling, device, logits_RV, random_draws(random, num_rows))


FILTERS = [
    {"top_k": 3},
    {"top_k": 200},
    {"top_p": 0.8},
    {"min_p": 0.05},
    {"top_k": 9, "top_p": 0.6},
]


@pytest.mark.parametrize("columns", FILTERS)
def test_each_filter_draws_by_definition(sampling, device, columns):
    random = np.random.default_rng(8)
    logits_RV = np.concatenate([random_logits(random, s, 1, 300) for s in ("spread", "ties")])
    for uniform in (0.0, random.random(2)):
        check(sampling, device, logits_RV, draws(2, uniform=uniform, **columns))


def test_company_changes_no_token(sampling, device):
    random = np.random.default_rng(3)
    logits_RV = np.concatenate([random_logits(random, s, 1, 300) for s in SHAPES])
    draws_R, order_R = random_draws(random, len(SHAPES)), random.permutation(len(SHAPES))
    together_R = sampling.choose(torch.from_numpy(logits_RV).to(device), draws_R)
    for i in order_R[:4].tolist():
        alone = torch.from_numpy(logits_RV[i : i + 1]).to(device)
        assert sampling.choose(alone, draws_R[i : i + 1]).tolist() == [together_R[i]]


def test_rows_may_lie_apart(sampling, device):
    random = np.random.default_rng(4)
    wide_RV = torch.from_numpy(random_logits(random, "spread", 3, 500)).to(device)
    draws_R = random_draws(random, 3)
    near_R = sampling.choose(wide_RV[:, 100:430].contiguous(), draws_R)
    assert sampling.choose(wide_RV[:, 100:430], draws_R).tolist() == near_R.tolist()


def test_the_best_is_the_lowest_id_among_equals(sampling, device):
    logits_RV = torch.zeros(1, 3000, device=device)
    logits_RV[0, [2999, 1234, 1240]] = 7.0
    assert sampling.choose(logits_RV, draws(1, temperature=0)).tolist() == [1234]
    assert sampling.choose(-logits_RV, draws(1, temperature=0)).tolist() == [0]


WAYS = [{"temperature": 0}, {}, {"top_k": 5}, {"top_p": 0.5}, {"min_p": 0.1}, {"top_k": 10**18}]


@pytest.mark.parametrize("columns", WAYS)
def test_broken_rows_have_an_answer(sampling, device, columns):
    nan, inf = math.nan, math.inf
    rows = [
        [nan] * 400, [-inf] * 400, [inf] * 400,
        [0.0, nan, inf, 3.0, inf] + [1.0] * 395,
        [nan, -inf] * 100 + [2.0] + [nan] * 199,
    ]  # fmt: skip
    for uniform in (0.0, 1 - 2**-53):
        draws_R = draws(len(rows), uniform=uniform, **columns)
        ids_R = sampling.choose(torch.tensor(rows, device=device), draws_R)
        assert ids_R.tolist() == [0, 0, 0, 2, 200]


@pytest.mark.parametrize("temperature", [1e-300, 1e-30, 1e30, 1e300])
def test_no_temperature_is_too_much(sampling, device, temperature):
    random = np.random.default_rng(5)
    logits_RV = random_logits(random, "spread", 2, 300)
    for columns in WAYS[1:5]:
        columns = {**columns, "temperature": temperature}
        check(sampling, device, logits_RV, draws(2, uniform=random.random(2), **columns))


def penalised(logits_V, tokens, penalty):
    """One row, by the definition."""
    tokens = [token for token in tokens[: penalty["num_tokens"]] if 0 <= token < len(logits_V)]
    output = tokens[penalty["num_prompt"] :]
    for token in set(tokens):
        logit, by = logits_V[token], penalty["repetition"]
        logits_V[token] = logit / by if logit > 0 else logit * by
    for token in output:
        logits_V[token] -= penalty["frequency"]
    for token in set(output):
        logits_V[token] -= penalty["presence"]


@pytest.mark.parametrize("length", [1, 40, 1500])
def test_penalties(sampling, device, length):
    random = np.random.default_rng(length)
    logits_RV = random_logits(random, "spread", 9, 700)
    tokens_SL = random.integers(0, 700, (12, length + 3), dtype=np.int32)
    penalties_N = np.zeros(7, dtype=PENALTY)
    penalties_N["row"] = random.permutation(9)[:7]
    penalties_N["slot"] = random.permutation(12)[:7]
    penalties_N["num_tokens"] = random.integers(1, length + 1, 7)
    penalties_N["num_prompt"] = random.integers(0, penalties_N["num_tokens"] + 1)
    penalties_N["repetition"] = random.choice([1, 1.3, 0.5], 7)
    penalties_N["frequency"] = random.choice([0, 0.7, -0.3], 7)
    penalties_N["presence"] = random.choice([0, 1.1], 7)
    expected_RV = logits_RV.astype(np.float64)
    for penalty in penalties_N:
        penalised(expected_RV[penalty["row"]], tokens_SL[penalty["slot"]].tolist(), penalty)
    found_RV = torch.from_numpy(logits_RV).to(device)
    sampling.penalise(found_RV, tokens_SL, penalties_N)
    np.testing.assert_allclose(found_RV.cpu(), expected_RV, rtol=1e-5, atol=1e-5)
    untouched = [row for row in range(9) if row not in penalties_N["row"]]
    assert np.array_equal(found_RV.cpu()[untouched], logits_RV[untouched])


def test_a_token_beyond_the_vocabulary_is_passed_over(sampling, device):
    penalties_N = np.array([(1, 0, 0, 4, 2.0, 0.5, 0.25)], dtype=PENALTY)
    tokens_SL = np.array([[3, 2**31 - 1, -1, 10]], dtype=np.int32)
    logits_RV = torch.ones(3, 10, device=device)
    sampling.penalise(logits_RV, tokens_SL, penalties_N)
    assert logits_RV[1].tolist() == [1, 1, 1, 0.5 - 0.5 - 0.25, 1, 1, 1, 1, 1, 1]
    assert (logits_RV[[0, 2]] == 1).all()


@pytest.mark.parametrize("size", [1, 31, 32, 33, 257, 5000])
def test_masks_leave_what_their_bits_say(sampling, device, size):
    random = np.random.default_rng(size)
    words_SW = random.integers(0, 1 << 32, (9, -(-size // 32) + 2), dtype=np.uint32)
    words_SW[3], words_SW[4] = 0, 0xFFFFFFFF
    logits_RV = random_logits(random, "spread", 8, size)
    rows_N, slots_N = random.permutation(8)[:6], random.permutation(9)[:6]
    found = torch.from_numpy(logits_RV).to(device)
    draws_N = np.array([(0.0, 1.0, 0.0, 0.0, 0)] * 6, dtype=DRAW)
    chosen_N = sampling.choose_among(found, words_SW, rows_N, slots_N, draws_N).tolist()
    for row, slot in zip(rows_N, slots_N, strict=True):
        bits = np.unpackbits(words_SW[slot].view(np.uint8), bitorder="little")[:size]
        logits_RV[row, bits == 0] = -np.inf
    assert np.array_equal(found.cpu(), logits_RV)
    assert chosen_N == [int(logits_RV[row].argmax()) for row in rows_N]


def test_biases_are_added_where_they_belong(sampling, device):
    from penstock.kernels.triton.sampling.constrain import add_bias

    logits_RV = torch.zeros(3, 400, device=device)
    rows_P = torch.arange(300, device=device) % 2 * 2
    ids_P, biases_P = torch.arange(300, device=device), torch.randn(300, device=device)
    add_bias(logits_RV, rows_P, ids_P, biases_P)
    expected_RV = torch.zeros_like(logits_RV)
    expected_RV[rows_P, ids_P] = biases_P
    assert torch.equal(logits_RV, expected_RV)


@pytest.mark.parametrize("size", [1, 257, 1500])
@pytest.mark.parametrize("shape", ["peaked", "ties", "equal", "outlier"])
def test_log_probabilities(sampling, device, shape, size):
    random = np.random.default_rng(size)
    logits_RV = torch.from_numpy(random_logits(random, shape, 5, size))
    rows_N, token_ids_N = random.permutation(5)[:3], random.integers(0, size, 3)
    named_NV = logits_RV[rows_N].double()
    logprobs_NV = named_NV.log_softmax(1)
    order_NV = named_NV.sort(dim=1, descending=True, stable=True).indices
    for count in {0, min(5, size), min(900, size)}:
        tokens = torch.from_numpy(token_ids_N).to(device)
        columns = sampling.top_logprobs(logits_RV.to(device), rows_N, tokens, count)
        ids_NW, values_NW, ranks_N = (column.cpu().numpy() for column in columns)
        assert np.array_equal(ids_NW[:, 0], token_ids_N)
        assert np.array_equal(ids_NW[:, 1:], order_NV[:, :count])
        wanted = logprobs_NV.gather(1, torch.from_numpy(ids_NW))
        np.testing.assert_allclose(values_NW, wanted, rtol=2e-6, atol=4e-6)
        own_N1 = named_NV.gather(1, torch.from_numpy(token_ids_N)[:, None])
        assert np.array_equal(ranks_N, 1 + (named_NV > own_N1).sum(1))


def test_ids_without_a_number_come_last(sampling, device):
    inf, nan = math.inf, math.nan
    rows = [[-inf, 2.0, nan, 3.0, -inf], [inf, 1.0, inf, 2, 3]]
    ids_NW, values_NW, ranks_N = sampling.top_logprobs(
        torch.tensor(rows, device=device), np.array([0, 1]), torch.tensor([1, 1], device=device), 5
    )
    assert ids_NW.tolist() == [[1, 3, 1, 0, 2, 4], [1, 0, 2, 4, 3, 1]]
    assert values_NW[0, [0, 1]].tolist() == pytest.approx([-1.3132617, -0.3132617])
    assert ranks_N.tolist() == [2, 5]
