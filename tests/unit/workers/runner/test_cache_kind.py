"""What the KV cache is made of: its type, and the scales that a checkpoint brings for 8 bits."""

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from support.checkpoints import make_checkpoint
from support.paged_run import PagedRun, prompts_of

from penstock.protocol.errors import ModelError
from penstock.protocol.settings import WorkerSettings
from penstock.workers.cache_kind import CacheKind, cache_kind
from penstock.workers.kv_cache import ONE, KVCache, kv_bytes_per_token
from penstock.workers.kv_dtype import kv_dtype
from penstock.workers.parallel.part import WHOLE, Part
from penstock.workers.weights.loader import load_model, open_model

CPU = torch.device("cpu")
FP8 = torch.float8_e4m3fn
LAYERS = 3


def add(model_dir: Path, **numbers: torch.Tensor) -> None:
    """`l1__k_scale` is layer 1's self_attn.k_scale."""
    path = model_dir / "model.safetensors"
    names = {
        name: f"model.layers.{name[1]}.self_attn.{name[4:].replace('__', '.')}" for name in numbers
    }
    tensors = load_file(path) | {names[name]: tensor for name, tensor in numbers.items()}
    save_file(tensors, path)


@pytest.fixture
def model_dir(tmp_path: Path) -> Path:
    make_checkpoint(tmp_path, "llama")
    return tmp_path


def kind(model_dir: Path, part: Part = WHOLE, **settings: Any) -> CacheKind:
    opened = open_model(model_dir, dtype=None, part=part)
    return cache_kind(WorkerSettings(**settings), opened, part, model_dir)


@pytest.mark.parametrize(
    ("asked", "served", "kept"),
    [
        ("auto", "float16", "float16"),
        ("bfloat16", "bfloat16", "bfloat16"),
        ("fp8", "bfloat16", "float8_e4m3fn"),
        ("fp8_e4m3", "float32", "float8_e4m3fn"),
    ],
)
def test_the_type(asked: Any, served: str, kept: str) -> None:
    assert kv_dtype(asked, served) == kept
    assert isinstance(getattr(torch, kept), torch.dtype)


def test_another_type_of_16_bits_than_the_models_is_refused() -> None:
    with pytest.raises(ModelError, match=r"--kv-cache-dtype float16: .* served in bfloat16"):
        kv_dtype("float16", "bfloat16")


def test_without_scales_all_are_one_and_it_is_said(
    model_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "penstock.worker"):
        assert kind(model_dir, kv_cache_dtype="fp8") == CacheKind(FP8, [ONE] * LAYERS)
    assert "no k_scale and v_scale, so all are 1.0" in caplog.text


def test_the_checkpoints_scales_under_either_name(
    model_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    add(
        model_dir, l0__k_scale=torch.tensor(0.5), l0__v_scale=torch.tensor([2.0]),
        l2__k_proj__k_scale=torch.tensor([0.25]), l2__v_proj__v_scale=torch.tensor(4.0),
    )  # fmt: skip
    with caplog.at_level(logging.INFO, "penstock.worker"):
        found = kind(model_dir, kv_cache_dtype="fp8")
    assert found.scales == [(0.5, 2.0), ONE, (0.25, 4.0)]
    assert "4 of 6 scales are the checkpoint's" in caplog.text
    last_stage = Part(stage=1, num_stages=2)
    assert kind(model_dir, last_stage, kv_cache_dtype="fp8").scales == [ONE, (0.25, 4.0)]


def test_scales_are_no_weights_and_do_nothing_to_another_cache(model_dir: Path) -> None:
    add(model_dir, l1__k_scale=torch.tensor(0.5))
    assert kind(model_dir) == CacheKind(torch.float32, [ONE] * LAYERS)


@pytest.mark.parametrize("spoiled", [torch.zeros(1), torch.ones(2), torch.tensor(float("nan"))])
def test_what_is_no_scale_is_named(model_dir: Path, spoiled: torch.Tensor) -> None:
    add(model_dir, l1__v_scale=spoiled)
    with pytest.raises(ModelError, match=r"model\.layers\.1\.self_attn\.v_scale"):
        kind(model_dir, kv_cache_dtype="fp8")


def test_fp8_takes_half_of_16_bits_and_comes_near(model_dir: Path) -> None:
    prompts = prompts_of([23, 1, 9])
    model = load_model(model_dir, dtype=None, device=CPU, progress=lambda *_: None)
    assert kv_bytes_per_token(model.config, FP8) * 4 == kv_bytes_per_token(
        model.config, torch.float32
    )
    exact = torch.cat(PagedRun(model, prompts).whole())
    coarse = torch.cat(PagedRun(model, prompts, cache_dtype=FP8).at_random(1, 7))
    assert 0 < (coarse - exact).std() / exact.std() < 0.1


def test_scales_of_powers_of_two_keep_more_of_small_numbers(model_dir: Path) -> None:
    """Divided by 2^-12, keys and values near 2^-12 leave the range in which e4m3 rounds to nothing."""
    model = load_model(model_dir, dtype=None, device=CPU, progress=lambda *_: None)
    for layer in model.layers:
        layer.attention.qkv.weight.data.mul_(2.0**-14)  # type: ignore[union-attr, operator]
    exact, scaled, plain = (
        after_one_step(model, dtype, scales)
        for dtype, scales in (
            (torch.float32, None), (FP8, [(2.0**-14, 2.0**-14)] * LAYERS), (FP8, None),
        )
    )  # fmt: skip
    assert (scaled - exact).norm() < 0.1 * (plain - exact).norm()


def after_one_step(model: Any, dtype: torch.dtype, scales: Any) -> torch.Tensor:
    """What the first layer's values are after they went through the cache."""
    run = PagedRun(model, prompts_of([12]))
    run.cache = KVCache(model.config, 6, 4, dtype, CPU, scales)
    run.step([12])
    return run.cache.layer(0)[1].float() * run.cache.scales(0)[1]
