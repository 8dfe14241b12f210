"""What a rank's KV cache is made of. Knows types and scales, not how large it is.

Scales are of use to a cache of 8 bits alone, and read for no other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from penstock.protocol.settings import WorkerSettings
from penstock.workers.kv_cache import ONE, Scales
from penstock.workers.kv_dtype import FP8, kv_dtype
from penstock.workers.kv_scales import read_kv_scales
from penstock.workers.parallel.part import Part
from penstock.workers.weights.loader import OpenModel


@dataclass(frozen=True, slots=True)
class CacheKind:
    """`scales` are those of the rank's layers."""

    dtype: torch.dtype
    scales: Sequence[Scales]


def cache_kind(
    settings: WorkerSettings, opened: OpenModel, part: Part, model_dir: Path
) -> CacheKind:
    """Raises ModelError for a type that does not go with the model's."""
    served = str(opened.dtype).removeprefix("torch.")
    name = kv_dtype(settings.kv_cache_dtype, served)
    num_layers = opened.config.num_layers
    own = part.layers(num_layers)
    scales = [ONE] * num_layers
    if name == FP8 and settings.load_format != "dummy":
        scales = read_kv_scales(model_dir, num_layers)
    return CacheKind(getattr(torch, name), scales[own.start : own.stop])
