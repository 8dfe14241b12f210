"""Whatever tensors a checkpoint is cut into, each rank gets its rows and columns, in order, once."""

from itertools import pairwise

import torch
from hypothesis import given
from hypothesis import strategies as st
from support.parallel_configs import config_of

from penstock.workers.parallel.cut import Cut
from penstock.workers.parallel.part import WHOLE, Part

CONFIG = config_of()
QKV_ROWS = CONFIG.q_size + 2 * CONFIG.kv_size


def held(part: Part, parameter: str, tensor: torch.Tensor, edges: list[int]) -> torch.Tensor:
    """What the rank has of a parameter that lies in the checkpoint in several tensors."""
    cut = Cut(part, CONFIG)
    bounds = sorted({0, *edges, len(tensor)})
    pieces: dict[int, torch.Tensor] = {}
    for start, end in pairwise(bounds):
        pieces |= cut.pieces(parameter, start, tensor[start:end])
    return torch.cat([pieces[start] for start in sorted(pieces)])


@given(st.lists(st.integers(1, QKV_ROWS - 1), max_size=5), st.sampled_from([1, 2, 4]))
def test_the_shares_of_qkv_come_region_by_region(edges: list[int], size: int) -> None:
    rows = torch.arange(QKV_ROWS).unsqueeze(1)
    q, k, v = rows.split([CONFIG.q_size, CONFIG.kv_size, CONFIG.kv_size])
    for rank in range(size):
        own = held(Part(rank, size), "layers.3.attention.qkv.weight", rows, edges)
        expected = [some.chunk(size)[rank] for some in (q, k, v)]
        assert own.equal(torch.cat(expected))


@given(st.lists(st.integers(1, 127), max_size=5))
def test_gate_and_up_stay_apart(edges: list[int]) -> None:
    rows = torch.arange(2 * CONFIG.intermediate_size)
    gate, up = rows.chunk(2)
    own = held(Part(1, 4), "layers.0.mlp.gate_up.bias", rows, edges)
    assert own.equal(torch.cat([gate.chunk(4)[1], up.chunk(4)[1]]))


def test_products_that_are_summed_are_split_by_their_inputs() -> None:
    down = torch.arange(32 * 64).view(32, 64)
    own = held(Part(3, 4), "layers.1.mlp.down.weight", down, [7])
    assert own.equal(down[:, 48:])
    bias = torch.arange(32)
    assert held(Part(3, 4), "layers.1.mlp.down.bias", bias, []).equal(bias)


def test_the_last_share_of_a_vocabulary_may_be_smaller() -> None:
    table = torch.arange(100).unsqueeze(1)
    shares = [held(Part(rank, 8), "embed.weight", table, [50]) for rank in range(8)]
    assert [len(share) for share in shares] == [13] * 7 + [9]
    assert torch.cat(shares).equal(table)


def test_a_stage_has_its_layers_and_ends() -> None:
    first, last = Cut(Part(0, 1, 0, 2), CONFIG), Cut(Part(0, 1, 1, 2), CONFIG)
    assert first.name("layers.1.mlp.down.weight") == "layers.1.mlp.down.weight"
    assert first.name("layers.2.mlp.down.weight") is None
    assert last.name("layers.2.mlp.down.weight") == "layers.0.mlp.down.weight"
    assert first.name("embed.weight") == "embed.weight"
    assert last.name("embed.weight") is None
    assert [cut.name("norm.weight") for cut in (first, last)] == [None, "norm.weight"]
    assert [cut.name("head.weight") for cut in (first, last)] == [None, "head.weight"]


def test_a_tied_embedding_is_at_both_ends() -> None:
    tied = config_of(tie_embeddings=True)
    names = [Cut(Part(0, 1, stage, 3), tied).name("embed.weight") for stage in range(3)]
    assert names == ["embed.weight", None, "embed.weight"]


def test_a_whole_model_is_not_cut() -> None:
    rows = torch.arange(QKV_ROWS)
    assert held(WHOLE, "layers.0.attention.qkv.bias", rows, []).equal(rows)
