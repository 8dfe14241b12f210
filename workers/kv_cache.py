"""The memory that keys and values live in. Knows blocks by number only, not whose they are.

Legend: S slots (num_blocks * block_size, flat), G KV heads, D head dimension.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch

from penstock.workers.model_config import ModelConfig

Scales = tuple[float, float]
"""What a layer's keys, and its values, are divided by in the cache."""
ONE: Scales = (1.0, 1.0)


def kv_bytes_per_token(config: ModelConfig, dtype: torch.dtype) -> int:
    """Bytes one token takes over all layers, keys and values together."""
    return config.kv_values_per_token * dtype.itemsize


class KVCache:
    """One K and one V tensor per layer; slot = block_id * block_size + offset."""

    def __init__(
        self,
        config: ModelConfig,
        num_blocks: int,
        block_size: int,
        dtype: torch.dtype,
        device: torch.device,
        scales: Sequence[Scales] | None = None,
    ) -> None:
        """`scales` are those of the layers here; only a cache of 8 bits has any but 1."""
        assert num_blocks > 0
        assert block_size > 0
        self.num_blocks = num_blocks
        self.block_size = block_size
        shape = (num_blocks * block_size, config.num_kv_heads, config.head_dim)
        self._layers_SGD = [
            (zeros(shape, dtype, device), zeros(shape, dtype, device))
            for _ in range(config.num_layers)
        ]
        self._scales = scales or [ONE] * config.num_layers
        assert len(self._scales) == config.num_layers

    def scales(self, index: int) -> Scales:
        """What the layer's keys and values are divided by."""
        return self._scales[index]

    def layer(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self._layers_SGD[index]

    @property
    def pages(self) -> list[torch.Tensor]:
        """All of it, each tensor [num_blocks, values of a block]."""
        return [part.view(self.num_blocks, -1) for layer in self._layers_SGD for part in layer]


def zeros(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """On a CPU the system hands zeros out lazily: blocks that are never used never cost memory.

    numpy allocates with calloc; torch.zeros would write, and so claim, every page at start.
    """
    if device.type != "cpu":
        return torch.zeros(shape, dtype=dtype, device=device)
    num_bytes = math.prod(shape) * dtype.itemsize
    return torch.from_numpy(np.zeros(num_bytes, dtype=np.uint8)).view(dtype).view(shape)
