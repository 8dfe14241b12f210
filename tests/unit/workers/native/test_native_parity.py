"""The native decoder against transformers, and against itself: the same bits in every schedule."""

from pathlib import Path

import pytest
import torch
from support.checkpoints import EXTRAS, SWITCHES, make_checkpoint, oracle_logits
from support.native_run import MAX_MODEL_LEN, NativeRun
from support.paged_run import CPU, PagedRun, prompts_of

from penstock.kernels.cpu.quant_weights import Bits
from penstock.workers.models.decoder import DecoderModel
from penstock.workers.native.suited import not_quantizable, unsuited
from penstock.workers.weights.loader import load_model, open_model

PROMPTS = prompts_of([40, 1, 9, 17])
FAMILIES = {family: (family, {}) for family in EXTRAS} | SWITCHES
WHOLE_GROUPS = {"hidden_size": 64, "intermediate_size": 96}
QUANTIZABLE = {
    "llama": {"tie_word_embeddings": True},
    "mixtral": {},
    "qwen2_moe": {"moe_intermediate_size": 32, "shared_expert_intermediate_size": 64},
    "qwen3_moe": {"head_dim": 32},
}
"""Families, and what makes all their widths multiples of 32 beside WHOLE_GROUPS."""


def is_mixture(family: str) -> bool:
    return "moe" in family or family == "mixtral"


def load(model_dir: Path, dtype: torch.dtype | None = None) -> DecoderModel:
    return load_model(
        model_dir, dtype=dtype, device=CPU, max_model_len=MAX_MODEL_LEN, progress=lambda *_: None
    )


def assert_close(actual, expected, tolerance):
    for logits_TV, expected_TV in zip(actual, expected, strict=True):
        torch.testing.assert_close(logits_TV, expected_TV, rtol=tolerance, atol=tolerance)


def assert_near_the_reference(whole, model_dir, family) -> None:
    """The reference rounds after every op, here few do. Where a router is that near to a tie, another expert is chosen:
    then neither is nearer to the truth than the other, which is what float32 makes of the same weights."""
    expected = PagedRun(load(model_dir), PROMPTS).whole()
    if not is_mixture(family):
        assert_close(whole, expected, 0.3)
        return
    truth_TV = torch.cat(PagedRun(load(model_dir, torch.float32), PROMPTS).whole())
    ours, theirs = (
        (torch.cat(logits) - truth_TV).norm(dim=1).median() for logits in (whole, expected)
    )
    assert ours < theirs * 1.1


@pytest.mark.parametrize("name", FAMILIES)
def test_float32_equals_transformers(name, tmp_path, cpu_library, cpu_team):
    family, extras = FAMILIES[name]
    oracle = make_checkpoint(tmp_path, family, **extras)
    run = NativeRun(open_model(tmp_path, dtype=None), PROMPTS, cpu_team(2), cpu_library)
    expected = [oracle_logits(oracle, prompt) for prompt in PROMPTS]
    assert_close(run.whole(), expected, 1e-4)
    run.restart()
    assert_close(run.at_random(1, 7), expected, 1e-4)


@pytest.mark.parametrize("name", FAMILIES)
def test_bfloat16_has_the_same_bits_in_every_schedule(name, tmp_path, cpu_library, cpu_team):
    family, extras = FAMILIES[name]
    make_checkpoint(tmp_path, family, dtype=torch.bfloat16, **extras)
    whole = NativeRun(open_model(tmp_path, dtype=None), PROMPTS, cpu_team(1), cpu_library).whole()
    assert_near_the_reference(whole, tmp_path, family)
    run = NativeRun(open_model(tmp_path, dtype=None), PROMPTS, cpu_team(3), cpu_library)
    for schedule in (
        run.whole,
        lambda: run.at_random(2, 7),
        lambda: run.at_random(3, 30),
        run.alone,
    ):
        run.restart()
        for logits_TV, expected_TV in zip(schedule(), whole, strict=True):
            assert torch.equal(logits_TV, expected_TV)


@pytest.mark.parametrize("bits", Bits)
@pytest.mark.parametrize("family", QUANTIZABLE)
def test_quantized_stays_near_and_keeps_its_bits(family, bits, tmp_path, cpu_library, cpu_team):
    make_checkpoint(tmp_path, family, dtype=torch.bfloat16, **(WHOLE_GROUPS | QUANTIZABLE[family]))
    expected = torch.cat(PagedRun(load(tmp_path), PROMPTS).whole())
    run = NativeRun(open_model(tmp_path, dtype=None), PROMPTS, cpu_team(2), cpu_library, bits)
    whole = run.whole()
    error = (torch.cat(whole) - expected).norm() / expected.norm()
    assert error < {Bits.INT8: 0.1, Bits.INT4: 0.6}[bits]
    for schedule in (lambda: run.at_random(2, 7), run.alone):
        run.restart()
        assert all(map(torch.equal, schedule(), whole))


def test_what_cannot_be_quantized_is_said(tmp_path):
    make_checkpoint(tmp_path, "llama")
    assert "not a multiple of 32" in str(not_quantizable(load(tmp_path).config))


def test_what_does_not_suit_is_said(tmp_path):
    make_checkpoint(tmp_path, "llama")
    config = load(tmp_path).config
    assert unsuited(config, "bfloat16", 16) is None
    assert "bfloat16 and float32, not float16" in str(unsuited(config, "float16", 16))
    assert "--block-size 8 is not a multiple of 16" in str(unsuited(config, "bfloat16", 8))
    assert "--kv-cache-dtype fp8" in str(unsuited(config, "bfloat16", 16, "fp8"))


@pytest.mark.parametrize(
    ("extras", "quantizable"),
    [
        ({"moe_intermediate_size": 32, "shared_expert_intermediate_size": 64}, True),
        ({"moe_intermediate_size": 40, "shared_expert_intermediate_size": 64}, False),
        ({"moe_intermediate_size": 32, "shared_expert_intermediate_size": 40}, False),
        ({"moe_intermediate_size": 33}, None),
    ],
)
def test_the_widths_of_experts_count_too(extras, quantizable, tmp_path):
    make_checkpoint(tmp_path, "qwen2_moe", **(WHOLE_GROUPS | extras))
    config = open_model(tmp_path, dtype=None).config
    if quantizable is None:
        assert "a width of the model is odd" in str(unsuited(config, "bfloat16", 16))
    else:
        assert (not_quantizable(config) is None) == quantizable


def test_a_width_that_no_layer_has_does_not_count(tmp_path):
    make_checkpoint(tmp_path, "qwen3_moe", hidden_size=64, intermediate_size=33, head_dim=32)
    config = open_model(tmp_path, dtype=None).config
    assert unsuited(config, "bfloat16", 16) is None
    assert not_quantizable(config) is None


def test_a_plan_may_fill_the_step(tmp_path, cpu_library, cpu_team):
    make_checkpoint(tmp_path, "llama")
    run = NativeRun(
        open_model(tmp_path, dtype=None), prompts_of([64] * 4), cpu_team(2), cpu_library
    )
    assert all(torch.isfinite(logits).all() for logits in run.whole())
