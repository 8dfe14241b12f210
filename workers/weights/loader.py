"""Builds a decoder from a model directory. Knows no requests and no cache."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from penstock.workers.model_config import ModelConfig
from penstock.workers.models.decoder import DecoderModel
from penstock.workers.models.families import FAMILIES, read_model_config
from penstock.workers.models.family import places, spare_names
from penstock.workers.weights.dummy import fill_with_noise
from penstock.workers.weights.fill import fill

LoadFormat = Literal["auto", "safetensors", "dummy"]
Progress = Callable[[str, float], None]


def load_model(
    model_dir: Path,
    *,
    dtype: torch.dtype | None,
    device: torch.device,
    load_format: LoadFormat = "auto",
    seed: int = 0,
    max_model_len: int | None = None,
    progress: Progress,
) -> DecoderModel:
    """`dtype` None is the checkpoint's; `dummy` needs only config.json and draws weights from `seed`.

    `max_model_len` is the longest context to be served, where known already: see rope.py.
    """
    config = read_model_config(model_dir)
    model = _empty_model(config, dtype or getattr(torch, config.dtype), device)
    if load_format == "dummy":
        fill_with_noise(model, seed)
    else:
        family = FAMILIES[config.architecture]
        fill(model, model_dir, places(family, config), spare_names(config), progress)
    model.use_max_model_len(max_model_len or config.max_position)
    progress("weights", 1.0)
    return model.eval()


def _empty_model(config: ModelConfig, dtype: torch.dtype, device: torch.device) -> DecoderModel:
    """Shapes first, on the meta device, so that memory is taken once and in the final dtype.

    `Module.to_empty` would do the same and import half a second of symbolic algebra on the way.
    """
    with torch.device("meta"):
        model = DecoderModel(config)
    for module in model.modules():
        for name, shape in [(n, p.shape) for n, p in module.named_parameters(recurse=False)]:
            empty = torch.empty(shape, dtype=dtype, device=device)
            setattr(module, name, nn.Parameter(empty, requires_grad=False))
    return model
