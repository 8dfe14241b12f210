"""Reported log probabilities against torch's log_softmax."""

import numpy as np
import pytest
import torch
from msgspec.structs import replace
from support.sampling_rows import Row, sample

from penstock.protocol.messages import TokenLogprobs
from penstock.protocol.sampling import SamplingParams
from penstock.workers.sampler.ops import SamplingOps
from penstock.workers.sampler.report import answers

SIZE = 700


def unpack(packed: TokenLogprobs) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    ids = np.frombuffer(packed.ids, "<u4").reshape(-1, packed.width)
    values = np.frombuffer(packed.values, "<f4").reshape(-1, packed.width)
    return ids, values, np.frombuffer(packed.ranks, "<u4")


def rows_asking(*counts: int | None) -> list[Row]:
    """Rows that share hard masks and penalties, which the report must not show."""
    torch.manual_seed(0)
    params = SamplingParams(
        8, temperature=0.3, top_k=3, logit_bias={5: 50.0}, repetition_penalty=2.0, min_p=0.1
    )
    return [
        Row(torch.randn(SIZE) * 4, replace(params, logprobs=count, seed=i), [1, 2, 3])
        for i, count in enumerate(counts)
    ]


@pytest.mark.parametrize("count", [0, 1, 5, 20, 699, 700, 900, -1])
def test_columns_hold_the_token_and_the_top_ids(ops: SamplingOps, count: int) -> None:
    rows = rows_asking(count)
    sampled = sample(rows, ops=ops)
    ids, values, ranks = unpack(answers(sampled.reports)[0][1])
    truth = rows[0].logits.double().log_softmax(0)
    width = min(count if count >= 0 else SIZE, SIZE)
    assert ids[0].tolist() == [sampled.token_ids_R[0], *truth.topk(width).indices.tolist()]
    np.testing.assert_allclose(values[0], truth[ids[0].astype(int)], atol=1e-5)
    assert ranks[0] == 1 + int((truth > truth[ids[0][0]].item()).sum())


def test_only_rows_that_ask_are_answered_each_in_its_width(ops: SamplingOps) -> None:
    rows = rows_asking(None, 2, None, 0, 2, -1)
    found = answers(sample(rows, ops=ops).reports)
    widths = [(row, answer.width) for row, answer in found]
    assert widths == [(1, 3), (3, 1), (4, 3), (5, SIZE + 1)]
    for row, answer in found:
        assert answer == answers(sample([rows[row]], ops=ops).reports)[0][1]


def test_requested_ids_replace_the_top_ones(ops: SamplingOps) -> None:
    [row] = rows_asking(0)
    row.params = replace(row.params, logprob_token_ids=(600, 3))
    ids, values, _ = unpack(answers(sample([row], ops=ops).reports)[0][1])
    assert ids[0, 1:].tolist() == [600, 3]
    np.testing.assert_allclose(values[0], row.logits.log_softmax(0)[ids[0].astype(int)], atol=1e-5)


def test_ties_are_listed_by_id(ops: SamplingOps) -> None:
    row = Row(torch.zeros(SIZE), SamplingParams(8, temperature=0.0, logprobs=3))
    ids, _, ranks = unpack(answers(sample([row], ops=ops).reports)[0][1])
    assert ids.tolist() == [[0, 0, 1, 2]]
    assert ranks.tolist() == [1]
