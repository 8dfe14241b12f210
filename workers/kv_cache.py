"""The memory that keys and values live in. Knows blocks by number only, not whose they are.

Legend: S slots (num_blocks * block_size, flat), G KV heads, D head dimension.
"""

import torch

from penstock.workers.model_config import ModelConfig


def kv_bytes_per_token(config: ModelConfig, dtype: torch.dtype) -> int:
    """Bytes one token takes over all layers, keys and values together."""
    return 2 * config.num_layers * config.kv_size * dtype.itemsize


class KVCache:
    """One K and one V tensor per layer; slot = block_id * block_size + offset."""

    def __init__(
        self,
        config: ModelConfig,
        num_blocks: int,
        block_size: int,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        assert num_blocks > 0
        assert block_size > 0
        self.num_blocks = num_blocks
        self.block_size = block_size
        shape = (num_blocks * block_size, config.num_kv_heads, config.head_dim)
        # Zeros come from the system lazily: blocks that are never used never cost memory.
        self._layers_SGD = [
            (
                torch.zeros(shape, dtype=dtype, device=device),
                torch.zeros(shape, dtype=dtype, device=device),
            )
            for _ in range(config.num_layers)
        ]

    def layer(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self._layers_SGD[index]
