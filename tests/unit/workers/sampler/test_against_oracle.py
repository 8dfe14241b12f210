"""The vectorised sampler, row by row, against the plain one."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as with_fields
from support import sampling_oracle as oracle
from support.examples import examples
from support.sampling_rows import Row, sample

from penstock.protocol.sampling import SamplingParams
from penstock.workers.sampler.noise import uniforms
from penstock.workers.sampler.ops import SamplingOps

SIZES = (1, 5, 33, 700, 2500)
NEARLY = 1e-5
SOME = examples(40, derandomize=True)


@st.composite
def rows(draw: Any, size: int) -> Row:
    """A row with any mixture of features; its logits often tie."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    scale, step = draw(st.sampled_from([(0.1, 0), (3, 0), (3, 0.5), (8, 0)]))
    logits = random.normal(size=size) * scale
    one_id = st.integers(0, size - 1)
    some_ids = st.lists(one_id, max_size=4, unique=size > 1).map(tuple)
    bad_words = st.lists(st.tuples(one_id) | st.tuples(one_id, one_id), max_size=3).map(tuple)
    params = SamplingParams(
        max_tokens=8,
        seed=draw(st.integers(-(2**63), 2**63 - 1)),
        temperature=draw(st.sampled_from([0.0, 0.01, 0.7, 1.0, 2.0])),
        top_p=draw(st.sampled_from([1.0, 1.0, 0.95, 0.5, 0.01])),
        top_k=draw(st.sampled_from([0, 0, 1, 3, 50, 200, 10**6])),
        min_p=draw(st.sampled_from([0.0, 0.0, 0.05, 1.0])),
        min_tokens=draw(st.integers(0, 6)),
        eos_token_ids=draw(some_ids),
        stop_token_ids=draw(some_ids),
        presence_penalty=draw(st.sampled_from([0.0, 1.5, -2.0])),
        frequency_penalty=draw(st.sampled_from([0.0, 0.5, -2.0])),
        repetition_penalty=draw(st.sampled_from([1.0, 1.3, 0.5])),
        logit_bias=dict.fromkeys(draw(some_ids), draw(st.sampled_from([-100.0, 3.0, 100.0]))),
        allowed_token_ids=draw(some_ids),
        bad_words=draw(bad_words),
    )
    return Row(
        torch.tensor(np.round(logits / step) * step if step else logits, dtype=torch.float32),
        params,
        draw(st.lists(one_id, min_size=1, max_size=6)),
        draw(st.lists(one_id, max_size=6)),
    )


batches = st.sampled_from(SIZES).flatmap(lambda size: st.lists(rows(size), min_size=1, max_size=6))


@SOME
@given(batches)
def test_every_row_draws_what_the_oracle_would(ops: SamplingOps, batch: list[Row]) -> None:
    for row, token_id in zip(batch, sample(batch, ops=ops).token_ids_R.tolist(), strict=True):
        logits = oracle.reshaped(row.logits.tolist(), row.params, row.prompt, row.output)
        if row.params.is_greedy:
            assert logits[token_id] == pytest.approx(max(logits), abs=2e-3)
        else:
            assert is_drawn_by_noise(row, logits, token_id)


def is_drawn_by_noise(row: Row, logits: list[float], token_id: int) -> bool:
    """Whether the row's noise falls on `token_id`; float32 may move the edges a little."""
    position = len(row.prompt) + len(row.output)
    seed = np.array([row.params.seed % 2**64], dtype=np.uint64)
    noise = float(uniforms(seed, np.array([position]))[0])
    for nudge in (0, NEARLY, -NEARLY):
        params = with_fields(
            row.params,
            top_p=row.params.top_p + nudge if row.params.top_p < 1 else 1.0,
            min_p=max(0.0, row.params.min_p + nudge),
        )
        low, high = oracle.interval(oracle.distribution(logits, params), token_id)
        if low - NEARLY <= noise <= high + NEARLY:
            return True
    return False


@SOME
@given(batches, st.randoms())
def test_company_and_slots_change_no_token(ops: SamplingOps, batch: list[Row], random: Any) -> None:
    alone = [int(sample([row], ops=ops).token_ids_R[0]) for row in batch]
    order = random.sample(range(len(batch)), len(batch))
    slots = random.sample(range(64), len(batch))
    crowd = sample([batch[i] for i in order], slots, ops).token_ids_R.tolist()
    assert crowd == [alone[i] for i in order]


@SOME
@given(batches, st.integers(0, 5))
def test_a_moved_prompt_boundary_changes_no_random_draw(
    ops: SamplingOps, batch: list[Row], moved: int
) -> None:
    """Without penalties and min_tokens a token depends on the history's length alone."""
    plain = {"presence_penalty": 0.0, "frequency_penalty": 0.0, "min_tokens": 0}
    before = [replace(row, params=with_fields(row.params, **plain)) for row in batch]
    after = [
        replace(row, prompt=row.prompt + row.output[:moved], output=row.output[moved:])
        for row in before
    ]
    assert (
        sample(before, ops=ops).token_ids_R.tolist() == sample(after, ops=ops).token_ids_R.tolist()
    )


def test_a_row_with_everything_banned_still_takes_the_best_allowed(ops: SamplingOps) -> None:
    params = SamplingParams(
        8, temperature=0.0, allowed_token_ids=(1, 2), min_tokens=3, eos_token_ids=(1, 2)
    )
    row = Row(torch.tensor([9.0, 1.0, 2.0, 8.0]), params)
    assert sample([row], ops=ops).token_ids_R.tolist() == [2]
    random = replace(row, params=with_fields(params, temperature=1.0))
    assert sample([random], ops=ops).token_ids_R[0] in (1, 2)


def test_an_end_beyond_the_vocabulary_cannot_be_banned_and_need_not_be(ops: SamplingOps) -> None:
    params = SamplingParams(8, temperature=0.0, min_tokens=3, eos_token_ids=(1, 4000))
    assert sample([Row(torch.tensor([0.0, 9.0, 2.0]), params)], ops=ops).token_ids_R.tolist() == [2]


@pytest.mark.parametrize("fields", [{}, {"top_k": 5}, {"top_p": 0.5}, {"temperature": 0.0}])
def test_a_broken_model_breaks_no_sampler(ops: SamplingOps, fields: dict[str, Any]) -> None:
    for broken in (math.nan, math.inf, -math.inf):
        row = Row(torch.full((700,), broken), with_fields(SamplingParams(8), **fields))
        assert 0 <= sample([row], ops=ops).token_ids_R[0] < 700
