"""Weights into a decoder: what is refused, what is reported, what dummy weights promise."""

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from support.checkpoints import make_checkpoint
from support.paged_run import CPU, PagedRun

from penstock.protocol.errors import ModelError
from penstock.workers.kv_cache import KVCache, kv_bytes_per_token
from penstock.workers.models.decoder import DecoderModel
from penstock.workers.weights.loader import LoadFormat, load_model


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Path:
    model_dir = tmp_path_factory.mktemp("llama")
    make_checkpoint(model_dir, "llama")
    return model_dir


@pytest.fixture
def model_dir(original, tmp_path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "model"))


def load(
    model_dir: Path, load_format: LoadFormat = "auto", seed: int = 0, progress=lambda *_: None
) -> DecoderModel:
    return load_model(
        model_dir, dtype=None, device=CPU, load_format=load_format, seed=seed, progress=progress
    )


def rewrite(model_dir: Path, change) -> None:
    path = model_dir / "model.safetensors"
    tensors = {name: tensor.clone() for name, tensor in load_file(path).items()}
    change(tensors)
    save_file(tensors, path)


def test_missing_tensors_are_named(model_dir):
    rewrite(model_dir, lambda tensors: tensors.pop("model.layers.1.self_attn.k_proj.weight"))
    with pytest.raises(ModelError, match=r"missing tensors: model\.layers\.1\.self_attn\.k_proj"):
        load(model_dir)


def test_unexpected_tensors_are_named(model_dir):
    rewrite(model_dir, lambda tensors: tensors.update({"model.adapter": torch.ones(1)}))
    with pytest.raises(ModelError, match=r"unexpected tensors: model\.adapter"):
        load(model_dir)


def test_a_bias_that_config_does_not_mention_is_unexpected(model_dir):
    name = "model.layers.0.self_attn.q_proj.bias"
    rewrite(model_dir, lambda tensors: tensors.update({name: torch.ones(32)}))
    with pytest.raises(ModelError, match=r"unexpected tensors: .*q_proj\.bias"):
        load(model_dir)


def test_long_lists_are_cut(model_dir):
    rewrite(model_dir, lambda tensors: [tensors.pop(name) for name in list(tensors)[5:]])
    with pytest.raises(ModelError, match=r"and \d+ more"):
        load(model_dir)


def test_rope_buffers_of_old_checkpoints_are_ignored(model_dir):
    name = "model.layers.0.self_attn.rotary_emb.inv_freq"
    rewrite(model_dir, lambda tensors: tensors.update({name: torch.ones(4)}))
    load(model_dir)


def test_a_tied_head_in_the_file_is_ignored(tmp_path):
    make_checkpoint(tmp_path, "qwen2", tie_word_embeddings=True)
    rewrite(tmp_path, lambda tensors: tensors.update({"lm_head.weight": torch.ones(97, 32)}))
    load(tmp_path)


def test_wrong_shapes_are_named(model_dir):
    rewrite(model_dir, lambda tensors: tensors.update({"model.norm.weight": torch.ones(31)}))
    with pytest.raises(ModelError, match=r"'model\.norm\.weight' has shape \[31\].*\[32\]"):
        load(model_dir)


def test_a_directory_without_safetensors(model_dir):
    (model_dir / "model.safetensors").rename(model_dir / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"neither model\.safetensors nor"):
        load(model_dir)


def test_a_torn_file(model_dir):
    path = model_dir / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelError, match="cannot be read as safetensors"):
        load(model_dir)


def test_a_missing_shard(tmp_path):
    make_checkpoint(tmp_path, "llama", max_shard_size="20KB")
    next(tmp_path.glob("model-00002*")).unlink()
    with pytest.raises(ModelError, match="model-00002"):
        load(tmp_path)


def test_progress_rises_to_one(model_dir):
    seen: list[float] = []
    load(model_dir, progress=lambda phase, share: seen.append(share))
    assert seen == sorted(seen)
    assert len(seen) > 10
    assert seen[-1] == 1.0


def test_dummy_needs_only_a_config_and_is_seeded(model_dir):
    (model_dir / "model.safetensors").unlink()
    first, again, other = (load(model_dir, "dummy", seed) for seed in (1, 1, 2))
    logits = [PagedRun(model, [[1, 2, 3]]).whole()[0] for model in (first, again, other)]
    assert logits[0].isfinite().all()
    assert torch.equal(logits[0], logits[1])
    assert not torch.equal(logits[0], logits[2])


def test_parameters_want_no_gradients_and_share_nothing(model_dir):
    model = load(model_dir)
    parameters = list(model.parameters())
    assert not any(parameter.requires_grad for parameter in parameters)
    assert len({parameter.data_ptr() for parameter in parameters}) == len(parameters)


def test_the_cache_takes_what_it_says(model_dir):
    config = load(model_dir).config
    cache = KVCache(config, num_blocks=3, block_size=4, dtype=torch.bfloat16, device=CPU)
    layers = [cache.layer(index) for index in range(config.num_layers)]
    taken = sum(tensor.nbytes for layer in layers for tensor in layer)
    assert taken == 12 * kv_bytes_per_token(config, torch.bfloat16)
