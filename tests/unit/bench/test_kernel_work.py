"""Bytes and operations of each kernel against values worked out by hand."""

import pytest

pytest.importorskip("torch")

from penstock.bench.kernels import (
    attention_cases,
    expert_cases,
    layer_cases,
    linear_cases,
    sampling_cases,
)
from penstock.bench.kernels.case import Work
from penstock.bench.kernels.models import LOADS, MODELS
from penstock.bench.kernels.table import OPS
from penstock.kernels.ops import EXPERT_OPS

LLAMA, QWEN, MIXTRAL = (MODELS[name] for name in ("llama-3-8b", "qwen2.5-7b", "mixtral-8x7b"))
LLAMA_70B = MODELS["llama-3-70b-tp8"]
ONE_EXPERT = 176_160_768  # 3 matrices of 4096 x 14336


def test_a_rank_has_its_share() -> None:
    found = LLAMA_70B
    assert (found.num_heads, found.num_kv_heads, found.width, found.hidden) == (8, 1, 3584, 8192)
    assert LLAMA.on(32).num_kv_heads == 1
    assert LLAMA_70B.vocabulary == 128_256


def test_decode() -> None:
    """16 rows: 64 MiB of keys and values, 8 KiB of query and as much of answer each, 64 block ids each."""
    expected = Work(67_108_864 + 262_144 + 4096, 268_435_456)
    assert attention_cases.decode_work(LLAMA, 16, 1024, 2) == expected
    in_fp8 = attention_cases.decode_work(LLAMA, 16, 1024, 1)
    assert in_fp8 == Work(33_554_432 + 262_144 + 4096, 268_435_456)


def test_decode_counts_a_block_that_is_begun() -> None:
    work = attention_cases.decode_work(MODELS["tiny"], 1, 17, 2)
    assert work == Work(17 * 2 * 2 * 16 * 2 + 2 * 4 * 16 * 2 + 2 * 4, 4 * 17 * 4 * 16)


def test_prefill() -> None:
    """8 query heads and one of keys and of values; 2,098,176 pairs of positions."""
    assert attention_cases.prefill_work(LLAMA_70B, 2048) == Work(9_437_696, 8_594_128_896)


def test_norms_and_gates() -> None:
    assert layer_cases.rms_norm_work(QWEN, 64) == Work(924_672, 917_504)
    assert layer_cases.add_rms_norm_work(QWEN, 64) == Work(1_842_176, 1_146_880)
    assert layer_cases.silu_mul_work(MIXTRAL, 1) == Work(86_016, 71_680)


def test_rope() -> None:
    """48 heads in, 48 out, 64 cosines and 64 sines, a slot."""
    assert layer_cases.rope_store_kv_work(LLAMA, 1) == Work(24_840, 15_360)
    assert layer_cases.rope_store_kv_work(LLAMA, 5) == Work(5 * 24_840, 5 * 15_360)


def test_products_of_fewer_bits() -> None:
    """4096 x 28672 codes; a scale for each of 32 groups, or for each output; a token in and out is 64 KiB."""
    assert linear_cases.grouped_work(LLAMA, 1, bits=8) == Work(119_341_056, 234_881_024)
    assert linear_cases.grouped_work(LLAMA, 16, bits=4) == Work(61_603_840, 3_758_096_384)
    assert linear_cases.e4m3_work(LLAMA, 1) == Work(117_620_736, 234_881_024)


def test_routing() -> None:
    assert expert_cases.route_work(MIXTRAL, 64) == Work(2560, 3072)


@pytest.mark.parametrize(
    ("tokens", "wanted", "others", "operations"),
    [(1, 2, 16_408, 4 * ONE_EXPERT), (64, 8, 1_050_112, 256 * ONE_EXPERT)],
)
def test_experts(tokens: int, wanted: int, others: int, operations: int) -> None:
    """One token reads two experts, 64 read all eight, once."""
    expected = Work(2 * wanted * ONE_EXPERT + others, operations)
    assert expert_cases.fused_experts_work(MIXTRAL, tokens) == expected


def test_experts_of_fewer_bits() -> None:
    """A scale of two bytes for each group of 128, or of four for each of an expert's 32,768 outputs."""
    others, operations, outputs = 16_408, 4 * ONE_EXPERT, 2 * 14336 + 4096
    int8 = 2 * (ONE_EXPERT + ONE_EXPERT // 128 * 2)
    assert expert_cases.grouped_work(MIXTRAL, 1, bits=8) == Work(int8 + others, operations)
    assert expert_cases.grouped_work(MIXTRAL, 1, bits=4) == Work(
        int8 - ONE_EXPERT + others, operations
    )
    e4m3 = 2 * (ONE_EXPERT + outputs * 4)
    assert expert_cases.e4m3_work(MIXTRAL, 1) == Work(e4m3 + others, operations)


def test_sampling() -> None:
    assert sampling_cases.choice_work(LLAMA, 16, operations=5) == Work(8_209_152, 10_260_480)
    assert sampling_cases.top_logprobs_work(LLAMA, 1) == Work(513_300, 641_280)
    assert sampling_cases.penalise_work(LLAMA, 1, 1024) == Work(12_344, 4096)
    assert sampling_cases.penalise_work(MODELS["tiny"], 2, 400).num_operations == 4 * 2 * 300
    assert sampling_cases.constrain_work(MIXTRAL, 1) == Work(68_016, 0)


@pytest.mark.parametrize("op", OPS)
def test_every_kernel_has_cases_of_their_own_names(op: str) -> None:
    cases = [case.what for case in OPS[op].resolve()(MIXTRAL, LOADS)]
    assert cases
    assert len(set(cases)) == len(cases)


def test_a_dense_model_has_no_experts() -> None:
    with_experts = {op for op in OPS if not list(OPS[op].resolve()(LLAMA, LOADS))}
    assert with_experts == set(EXPERT_OPS)
