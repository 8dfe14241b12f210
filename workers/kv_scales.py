"""What keys and values of each layer are divided by in a cache of 8 bits. Knows a checkpoint's names, no cache."""

import logging
import math
from pathlib import Path

import torch

from penstock.protocol.errors import ModelError
from penstock.workers.kv_cache import Scales
from penstock.workers.models.kv_scale_names import full_names, scale_names
from penstock.workers.weights.checkpoint import Checkpoint

log = logging.getLogger("penstock.worker")


def read_kv_scales(model_dir: Path, num_layers: int) -> list[Scales]:
    """One for each layer of the model; 1 where the checkpoint has none, and it is said how many that are."""
    checkpoint = Checkpoint(model_dir)
    found = {
        name: _number(name, tensor)
        for name, tensor in checkpoint.pick(scale_names(num_layers) & checkpoint.names())
    }
    scales = [_of_layer(layer, found) for layer in range(num_layers)]
    log.info("KV cache in fp8 (e4m3): %s", _told(len(found), 2 * num_layers))
    return scales


def _told(num_found: int, num_wanted: int) -> str:
    if not num_found:
        return "the checkpoint holds no k_scale and v_scale, so all are 1.0"
    return f"{num_found} of {num_wanted} scales are the checkpoint's, the others 1.0"


def _of_layer(layer: int, found: dict[str, float]) -> Scales:
    k_scale, v_scale = (
        next((found[name] for name in names if name in found), 1.0) for names in full_names(layer)
    )
    return k_scale, v_scale


def _number(name: str, tensor: torch.Tensor) -> float:
    """Raises ModelError for what is no scale of a whole tensor."""
    if tensor.numel() != 1:
        raise ModelError(f"tensor {name!r} has shape {list(tensor.shape)}; one number was expected")
    value = float(tensor.float().item())
    if not (math.isfinite(value) and value > 0):
        raise ModelError(f"tensor {name!r} is {value}; a scale is positive and finite")
    return value
