"""The KV cache of native kernels: one tensor a layer. Knows its size, not how keys lie in it."""

import torch

from penstock.kernels.cpu.kv_layout import KVLayout
from penstock.kernels.cpu.memory import zeros
from penstock.workers.model_config import ModelConfig


class NativeCache:
    """Memory is claimed as blocks are first written."""

    def __init__(
        self, config: ModelConfig, num_blocks: int, block_size: int, dtype: torch.dtype
    ) -> None:
        self.layout = KVLayout(config.num_kv_heads, config.head_dim, block_size, dtype)
        shape = (num_blocks, self.layout.block_numel)
        self._layers = [zeros(shape, dtype) for _ in range(config.num_layers)]

    def layer(self, index: int) -> torch.Tensor:
        return self._layers[index]

    @property
    def pages(self) -> list[torch.Tensor]:
        """All of it, each tensor [num_blocks, values of a block]: blocks are whole, wherever they are copied to."""
        return self._layers
