"""Every head, layer and row of a model belongs to somebody, and belongs together with what it works with."""

from dataclasses import replace
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.parallel_configs import config_of

from penstock.protocol.errors import ModelError
from penstock.workers.parallel.part import Part, part_of_rank

SIZES = st.sampled_from([1, 2, 4, 8])


@given(SIZES, st.sampled_from([1, 2, 4, 8]), st.integers(1, 4), st.integers(1, 300))
def test_shares_of_one_stage_are_the_whole(size: int, kv: int, group: int, vocab: int) -> None:
    config = config_of(num_heads=8 * kv * group, num_kv_heads=kv, vocab_size=vocab)
    parts = [Part(rank, size) for rank in range(size)]
    for ranges, total in (
        ([part.heads(config) for part in parts], config.num_heads),
        ([part.width(config.intermediate_size) for part in parts], config.intermediate_size),
        ([part.vocab(vocab) for part in parts], vocab),
    ):
        assert list(chain(*ranges)) == list(range(total))


@given(SIZES, st.sampled_from([1, 2, 4, 8]), st.integers(1, 4))
def test_a_rank_holds_the_kv_heads_that_its_heads_attend_to(size: int, kv: int, group: int) -> None:
    config = config_of(num_heads=8 * kv * group, num_kv_heads=kv)
    for rank in range(size):
        part = Part(rank, size)
        heads, kv_heads, own = part.heads(config), part.kv_heads(config), part.of(config)
        groups = config.num_heads // kv
        own_group = own.num_heads // own.num_kv_heads
        for place, head in enumerate(heads):
            assert head // groups == kv_heads[place // own_group]


@given(st.integers(1, 8), st.integers(8, 100))
def test_stages_are_all_layers_in_order_and_nearly_equal(stages: int, num_layers: int) -> None:
    ranges = [Part(0, 1, stage, stages).layers(num_layers) for stage in range(stages)]
    assert list(chain(*ranges)) == list(range(num_layers))
    assert max(map(len, ranges)) - min(map(len, ranges)) <= 1


def test_one_rank_leads() -> None:
    parts = [part_of_rank(rank, 2, 3) for rank in range(6)]
    assert [part.leads for part in parts] == [False, False, False, False, True, False]
    assert [part.is_first for part in parts] == [True, True, False, False, False, False]
    assert not any(part.is_whole for part in parts)
    assert part_of_rank(0, 1, 1).is_whole


@pytest.mark.parametrize(
    ("part", "fields", "words"),
    [
        (Part(0, 3), {}, "--tensor-parallel-size 3 does not divide this model's 8 attention heads"),
        (Part(0, 8), {"intermediate_size": 12}, "12 inner states"),
        (Part(0, 4), {"num_kv_heads": 6, "num_heads": 12}, "6 KV heads"),
        (Part(0, 1, 0, 9), {}, "--pipeline-parallel-size 9: this model has 4 layers"),
    ],
)
def test_what_cannot_be_split_is_refused_by_name(part: Part, fields: dict, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        part.of(replace(config_of(), **fields))
