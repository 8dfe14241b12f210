"""Every rope type against transformers: frequencies alone, then whole models."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from support.checkpoints import make_checkpoint
from support.paged_run import CPU, PagedRun, prompts_of

from penstock.workers.models.families import read_model_config
from penstock.workers.models.rope import Rope, inverse_frequencies
from penstock.workers.weights.loader import load_model

SHORT = [1.0, 1.1, 1.3, 1.6]
LONG = [1.0, 2.0, 4.0, 8.0]
THETA = {"rope_theta": 5000.0}

ROPES: dict[str, dict[str, Any]] = {
    "default": {"rope_type": "default"},
    "linear": {"rope_type": "linear", "factor": 2.5},
    "dynamic": {"rope_type": "dynamic", "factor": 3.0},
    "llama3": {
        "rope_type": "llama3",
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 64,
    },
    "yarn": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32},
    "yarn betas": {
        "rope_type": "yarn",
        "factor": 4.0,
        "original_max_position_embeddings": 32,
        "beta_fast": 8,
        "beta_slow": 2,
        "truncate": False,
    },
    "yarn attention factor": {
        "rope_type": "yarn",
        "factor": 4.0,
        "original_max_position_embeddings": 32,
        "attention_factor": 1.5,
    },
    "yarn mscale": {
        "rope_type": "yarn",
        "factor": 4.0,
        "original_max_position_embeddings": 32,
        "mscale": 0.7,
        "mscale_all_dim": 1.2,
    },
    "longrope": {
        "rope_type": "longrope",
        "short_factor": SHORT,
        "long_factor": LONG,
        "original_max_position_embeddings": 64,
    },
    "longrope partial": {
        "rope_type": "longrope",
        "partial_rotary_factor": 0.5,
        "short_factor": SHORT[:2],
        "long_factor": LONG[2:],
        "original_max_position_embeddings": 64,
    },
    "longrope attention factor": {
        "rope_type": "longrope",
        "factor": 2.0,
        "attention_factor": 1.3,
        "short_factor": SHORT,
        "long_factor": LONG,
        "original_max_position_embeddings": 64,
    },
}


def family_of(rope: dict[str, Any]) -> str:
    return "phi3" if rope["rope_type"] == "longrope" else "llama"


def checkpoint(model_dir: Path, rope: dict[str, Any]) -> Any:
    extras: dict[str, Any] = {"rope_parameters": {**THETA, **rope}}
    if rope["rope_type"] == "longrope":
        extras["original_max_position_embeddings"] = rope["original_max_position_embeddings"]
    return make_checkpoint(model_dir, family_of(rope), **extras)


@pytest.mark.parametrize("name", ROPES)
@pytest.mark.parametrize("max_model_len", [40, 128, 200])
def test_angles(name, max_model_len, tmp_path):
    oracle = checkpoint(tmp_path, ROPES[name]).model.rotary_emb
    positions = torch.arange(max_model_len)
    expected = oracle(torch.ones(1, dtype=torch.float32), positions[None])
    config = read_model_config(tmp_path)
    actual = Rope(config.rope, max_model_len, CPU).cos_sin(positions, torch.float32)
    for ours, theirs in zip(actual, expected, strict=True):
        theirs_E = theirs[0, :, : ours.shape[1]]
        torch.testing.assert_close(ours, theirs_E, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ROPES)
@pytest.mark.parametrize("length", [20, 100])
def test_logits(name, length, tmp_path):
    oracle = checkpoint(tmp_path, ROPES[name])
    model = load_model(
        tmp_path,
        dtype=None,
        device=CPU,
        load_format="safetensors",
        max_model_len=length,
        progress=lambda *_: None,
    )
    prompts = prompts_of([length])
    logits = PagedRun(model, prompts).at_random(seed=3, longest=30)[0]
    with torch.no_grad():
        expected = oracle(torch.tensor(prompts), use_cache=False).logits[0]
    torch.testing.assert_close(logits, expected, rtol=2e-4, atol=2e-4)


def old_keys(rope: dict[str, Any]) -> dict[str, Any]:
    scaling = {key: value for key, value in rope.items() if key != "partial_rotary_factor"}
    scaling["type"] = scaling.pop("rope_type")
    old = {"rope_theta": 5000.0, "rope_scaling": scaling}
    if "partial_rotary_factor" in rope:
        old["partial_rotary_factor"] = rope["partial_rotary_factor"]
    return old


@pytest.mark.parametrize("name", [name for name in ROPES if name != "default"])
def test_old_keys_mean_the_same(name, tmp_path):
    checkpoint(tmp_path, ROPES[name])
    new = read_model_config(tmp_path)
    path = tmp_path / "config.json"
    values = json.loads(path.read_text())
    del values["rope_parameters"]
    path.write_text(json.dumps({**values, **old_keys(ROPES[name])}))
    assert read_model_config(tmp_path) == new


def test_the_longest_context_chooses_longrope_factors(tmp_path):
    checkpoint(tmp_path, ROPES["longrope"])
    rope = read_model_config(tmp_path).rope
    short_E, long_E = inverse_frequencies(rope, 64), inverse_frequencies(rope, 65)
    ratio_E = torch.tensor(LONG) / torch.tensor(SHORT)
    torch.testing.assert_close(short_E / long_E, ratio_E)
