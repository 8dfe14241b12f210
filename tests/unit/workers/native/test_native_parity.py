"""The native decoder against transformers, and against itself: the same bits in every schedule."""

from pathlib import Path

import pytest
import torch
from support.checkpoints import EXTRAS, SWITCHES, make_checkpoint, oracle_logits
from support.native_run import MAX_MODEL_LEN, NativeRun
from support.paged_run import CPU, PagedRun, prompts_of

from penstock.kernels.cpu.quant_weights import Bits
from penstock.workers.models.decoder import DecoderModel
from penstock.workers.native.start import not_quantizable, unsuited
from penstock.workers.weights.loader import load_model, open_model

PROMPTS = prompts_of([40, 1, 9, 17])
ALL_FAMILIES = {family: (family, {}) for family in EXTRAS} | SWITCHES
MIXTURES = [family for family in EXTRAS if "moe" in family or family == "mixtral"]
FAMILIES = {name: case for name, case in ALL_FAMILIES.items() if case[0] not in MIXTURES}


def load(model_dir: Path) -> DecoderModel:
    return load_model(
        model_dir, dtype=None, device=CPU, max_model_len=MAX_MODEL_LEN, progress=lambda *_: None
    )


def assert_close(actual, expected, tolerance):
    for logits_TV, expected_TV in zip(actual, expected, strict=True):
        torch.testing.assert_close(logits_TV, expected_TV, rtol=tolerance, atol=tolerance)


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
    expected = PagedRun(load(tmp_path), PROMPTS).whole()
    whole = NativeRun(open_model(tmp_path, dtype=None), PROMPTS, cpu_team(1), cpu_library).whole()
    assert_close(whole, expected, 0.3)  # the reference rounds after every op, here few do
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
def test_quantized_stays_near_and_keeps_its_bits(bits, tmp_path, cpu_library, cpu_team):
    make_checkpoint(
        tmp_path,
        "llama",
        dtype=torch.bfloat16,
        hidden_size=64,
        intermediate_size=96,
        tie_word_embeddings=True,
    )
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
    assert unsuited(config, torch.bfloat16, 16) is None
    assert "bfloat16 and float32, not float16" in str(unsuited(config, torch.float16, 16))
    assert "--block-size 8 is not a multiple of 16" in str(unsuited(config, torch.bfloat16, 8))
    assert "--kv-cache-dtype fp8" in str(unsuited(config, torch.bfloat16, 16, "fp8"))


@pytest.mark.parametrize("family", MIXTURES)
def test_mixtures_of_experts_do_not_suit(family, tmp_path):
    make_checkpoint(tmp_path, family)
    config = open_model(tmp_path, dtype=None).config
    assert unsuited(config, torch.float32, 16) == "they know no mixtures of experts"


def test_a_plan_may_fill_the_step(tmp_path, cpu_library, cpu_team):
    make_checkpoint(tmp_path, "llama")
    run = NativeRun(
        open_model(tmp_path, dtype=None), prompts_of([64] * 4), cpu_team(2), cpu_library
    )
    assert all(torch.isfinite(logits).all() for logits in run.whole())
