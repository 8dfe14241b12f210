"""A decoder whose weights were rounded while loading, on the oracle's ops: near the unrounded one, and far smaller."""

from pathlib import Path

import pytest
import torch
from support.checkpoints import make_checkpoint
from support.paged_run import CPU, PagedRun, prompts_of
from support.thread_ranks import run_ranks

from penstock.kernels.reference.kv_codes import as_bits
from penstock.protocol.errors import ModelError
from penstock.workers.backend import reference_backend
from penstock.workers.host_copies.away import resident_bytes
from penstock.workers.models.basic_layers import Matrix
from penstock.workers.models.decoder import DecoderModel
from penstock.workers.models.quantized_matrix import QuantizedMatrix
from penstock.workers.parallel.company import NOBODY, Company
from penstock.workers.weights.loader import load_model, materialize, open_model

PROMPTS = prompts_of([40, 1, 9, 17])
LIMITS = {"int8": 0.1, "fp8": 0.3, "int4": 0.7}
"""The relative error of the logits of a random model, which is as hard to round as models can be."""
OTHER_EXPERTS = 2
"""So much further off may it be where a token that was near the border between two experts goes to the other."""
BYTES = {"int8": 1 + 2 / 32, "int4": 0.5 + 2 / 32, "fp8": 1.1}
WIDTHS = {"hidden_size": 64, "intermediate_size": 128}
MIXTURES = {
    "mixtral": WIDTHS,
    "qwen2_moe": {
        **WIDTHS,
        "moe_intermediate_size": 32,
        "shared_expert_intermediate_size": 64,
    },
    "qwen3_moe": {**WIDTHS, "moe_intermediate_size": 96},
}
QUANTIZATIONS = pytest.mark.parametrize("quantization", LIMITS)
TIED = pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])


@pytest.fixture
def model_dir(tmp_path):
    make_checkpoint(tmp_path, "llama", **WIDTHS, attention_bias=True)
    return tmp_path


def load(model_dir: Path, quantization: str | None = None, **options: object) -> DecoderModel:
    return load_model(
        model_dir, dtype=None, device=CPU, max_model_len=64, progress=lambda *_: None,
        quantization=quantization, **options,
    )  # fmt: skip


def error(found: list[torch.Tensor], expected: list[torch.Tensor]) -> float:
    expected_TV = torch.cat(expected)
    return float((torch.cat(found) - expected_TV).norm() / expected_TV.norm())


@pytest.mark.parametrize("family", MIXTURES)
@QUANTIZATIONS
def test_mixtures_of_experts_stay_near(quantization, family, tmp_path):
    make_checkpoint(tmp_path, family, **MIXTURES[family])
    expected = PagedRun(load(tmp_path), PROMPTS).whole()
    found = PagedRun(load(tmp_path, quantization), PROMPTS).at_random(1, 7)
    assert 0 < error(found, expected) < OTHER_EXPERTS * LIMITS[quantization]


@pytest.mark.parametrize("family", MIXTURES)
@pytest.mark.parametrize("quantization", ["int8", "int4"])
def test_mixtures_compute_with_the_weights_that_the_codes_say(quantization, family, tmp_path):
    make_checkpoint(tmp_path, family, **MIXTURES[family])
    rounded, plain = load(tmp_path, quantization), load(tmp_path)
    for name, matrix in plain.named_modules():
        ours = rounded.get_submodule(name)
        if isinstance(ours, Matrix) and ours.quantized is not None:
            matrix.weight.copy_(ours.quantized.rows(torch.arange(len(matrix.weight))))
    expected = PagedRun(plain, PROMPTS).whole()
    assert error(PagedRun(rounded, PROMPTS).whole(), expected) < 1e-5


@QUANTIZATIONS
def test_routers_are_not_rounded(quantization, tmp_path):
    make_checkpoint(tmp_path, "qwen2_moe", **MIXTURES["qwen2_moe"])
    plain, model = load(tmp_path), load(tmp_path, quantization)
    for name in ("router", "shared_gate"):
        expected, found = (getattr(one.layers[0].mlp, name) for one in (plain, model))
        assert found.quantized is None
        assert torch.equal(found.weight, expected.weight)
    assert model.layers[0].mlp.experts.gate_up.quantized is not None
    assert resident_bytes(model) < 0.6 * resident_bytes(plain)


@QUANTIZATIONS
def test_parts_are_rounded_as_the_whole_would_be(quantization, tmp_path):
    """A matrix comes in the checkpoint's parts, experts one by one."""
    torch.manual_seed(0)
    weight_OI = torch.randn(48, 64)
    by_parts, whole = (
        QuantizedMatrix(quantization, reference_backend(), *weight_OI.shape) for _ in range(2)
    )
    for matrix, parts in ((by_parts, weight_OI.split([5, 32, 11])), (whole, [weight_OI])):
        matrix.settle(torch.float32, CPU, CPU)
        matrix.take(parts)
        assert matrix.nbytes == matrix.codes.nbytes + matrix.scales.nbytes
    assert torch.equal(as_bits(by_parts.codes), as_bits(whole.codes))
    assert torch.equal(by_parts.scales, whole.scales)
    assert by_parts.scales.stride() == whole.scales.stride()


@TIED
@QUANTIZATIONS
def test_logits_stay_near(quantization, tied, tmp_path):
    make_checkpoint(tmp_path, "llama", **WIDTHS, tie_word_embeddings=tied)
    expected = PagedRun(load(tmp_path), PROMPTS).whole()
    found = PagedRun(load(tmp_path, quantization), PROMPTS).at_random(1, 7)
    assert 0 < error(found, expected) < LIMITS[quantization]


@QUANTIZATIONS
def test_every_matrix_is_smaller_and_nothing_else_is(quantization, model_dir):
    plain, model = load(model_dir), load(model_dir, quantization)
    matrices = [module for module in model.modules() if isinstance(module, Matrix)]
    assert len(matrices) == 2 + 3 * 4
    assert all(matrix.quantized is not None for matrix in matrices)
    assert all(parameter.dim() == 1 for parameter in model.parameters())
    numbers = sum(module.weight.numel() for module in plain.modules() if isinstance(module, Matrix))
    vectors = sum(parameter.nbytes for parameter in model.parameters())
    assert resident_bytes(model) <= numbers * BYTES[quantization] + vectors
    assert resident_bytes(model) - vectors >= numbers / 2


@QUANTIZATIONS
def test_an_embedding_gives_the_rows_that_products_see(quantization, model_dir):
    model = load(model_dir, quantization)
    ids_N = torch.tensor([5, 0, 96, 5])
    rows_ND = model.embed(ids_N)
    assert rows_ND.dtype == torch.float32
    if quantization != "fp8":  # which rounds what it multiplies by, too
        products_NV = model.embed.product(torch.eye(64)).T[ids_N]
        torch.testing.assert_close(rows_ND, products_NV)
    plain_ND = load(model_dir).embed(ids_N)
    assert (rows_ND - plain_ND).norm() < 0.1 * plain_ND.norm()


@pytest.mark.parametrize("family", ["llama", "mixtral"])
@QUANTIZATIONS
def test_two_ranks_are_near_one(quantization, family, tmp_path):
    model_dir, mixture = tmp_path, MIXTURES.get(family)
    make_checkpoint(model_dir, family, **(mixture or {**WIDTHS, "attention_bias": True}))

    def logits(company: Company) -> list[torch.Tensor]:
        opened = open_model(model_dir, dtype=None, part=company.part)
        model = materialize(
            opened, CPU, 64, lambda *_: None, company, quantization=quantization
        )  # fmt: skip
        return PagedRun(model, PROMPTS).whole()

    plain = PagedRun(load(model_dir), PROMPTS).whole()
    limit = LIMITS[quantization] * (OTHER_EXPERTS if mixture else 1)
    assert error(logits(NOBODY), plain) < limit
    for found in run_ranks(logits, 2, 2)[-2:]:
        assert error(found, plain) < limit


@QUANTIZATIONS
def test_progress_counts_up_to_all(quantization, model_dir):
    seen = []
    opened = open_model(model_dir, dtype=None)
    materialize(opened, CPU, 64, lambda _, done: seen.append(done), quantization=quantization)
    assert seen == sorted(seen)
    assert seen[-1] == 1


def test_what_cannot_be_rounded_is_said(tmp_path):
    make_checkpoint(tmp_path / "narrow", "llama")
    for quantization in ("int8", "int4"):
        with pytest.raises(ModelError, match=f"--quantization {quantization} .* multiple of 32"):
            load(tmp_path / "narrow", quantization)
    load(tmp_path / "narrow", "fp8")
    make_checkpoint(tmp_path / "mixture", "qwen3_moe", **WIDTHS, moe_intermediate_size=40)
    with pytest.raises(ModelError, match=r"--quantization int4 .* multiple of 32: \(64, 64, 40\)"):
        load(tmp_path / "mixture", "int4")
    load(tmp_path / "mixture", "fp8")
