"""Sizes from headers and from shapes against the model that is really built."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.checkpoints import EXTRAS, SWITCHES, make_checkpoint

from penstock.explain.checkpoint import shaped_parameters, stored_parameters
from penstock.explain.estimate import estimate
from penstock.protocol.errors import ModelError
from penstock.protocol.settings import EngineSettings
from penstock.workers.models.families import read_model_config
from penstock.workers.native.suited import kv_values_per_token

FAMILIES = {family: (family, {}) for family in EXTRAS} | SWITCHES


@pytest.mark.parametrize("name", FAMILIES)
def test_headers_and_shape_agree_with_the_built_model(tmp_path: Path, name: str) -> None:
    import torch

    from penstock.workers.kv_cache import kv_bytes_per_token
    from penstock.workers.weights.loader import load_model

    family, extras = FAMILIES[name]
    make_checkpoint(tmp_path, family, max_shard_size="10KB", **extras)
    config = read_model_config(tmp_path)
    model = load_model(tmp_path, dtype=None, device=torch.device("cpu"), progress=lambda *_: None)
    built = sum(p.numel() for p in model.parameters())
    assert stored_parameters(tmp_path, config) == shaped_parameters(config) == built
    hello = estimate(EngineSettings(model=str(tmp_path))).hello
    assert hello.weights_bytes == sum(p.nbytes for p in model.parameters())
    assert hello.kv_bytes_per_token == kv_values_per_token(config) * 4, "native kernels"
    plain = estimate(EngineSettings(model=str(tmp_path), cpu_kernels="reference")).hello
    assert plain.kv_bytes_per_token == kv_bytes_per_token(config, model.embed.weight.dtype)


def test_a_dtype_that_is_asked_for_counts() -> None:
    stored = estimate(EngineSettings()).hello
    wider = estimate(EngineSettings(dtype="float")).hello
    assert wider.weights_bytes == 2 * stored.weights_bytes
    assert wider.kv_bytes_per_token == 2 * stored.kv_bytes_per_token
    assert (stored.dtype, wider.dtype) == ("bfloat16", "float32")


def test_dummy_weights_need_no_file(tmp_path: Path) -> None:
    brook = estimate(EngineSettings())
    (tmp_path / "config.json").write_bytes((brook.folder / "config.json").read_bytes())
    dummy = estimate(EngineSettings(model=str(tmp_path), load_format="dummy"))
    assert dummy.num_parameters == brook.num_parameters == 4_918_528
    with pytest.raises(ModelError, match=r"model\.safetensors cannot be read"):
        estimate(EngineSettings(model=str(tmp_path)))


@pytest.mark.parametrize(
    ("index", "named"),
    [
        ("{", "is not an index"),
        ({"weight_map": []}, "is not an index"),
        ({"weight_map": {"a": "part.safetensors"}}, "part.safetensors cannot be read"),
    ],
)
def test_a_broken_checkpoint_is_named(tmp_path: Path, index: Any, named: str) -> None:
    brook = estimate(EngineSettings())
    (tmp_path / "config.json").write_bytes((brook.folder / "config.json").read_bytes())
    text = index if isinstance(index, str) else json.dumps(index)
    (tmp_path / "model.safetensors.index.json").write_text(text)
    (tmp_path / "part.safetensors").write_bytes(b"\xff" * 16)
    with pytest.raises(ModelError, match=named):
        estimate(EngineSettings(model=str(tmp_path)))
