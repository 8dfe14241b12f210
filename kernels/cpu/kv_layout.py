"""How keys and values lie in the native paged cache. Knows no sequences. See `source/kv_layout.hpp`."""

from dataclasses import dataclass

import torch

from penstock.kernels.cpu.library import DTYPE_NAMES
from penstock.kernels.cpu.limits import MAX_HEAD_DIM, PAGE, value_width
from penstock.kernels.cpu.memory import zeros


@dataclass(frozen=True, slots=True)
class KVLayout:
    """Of one layer. Blocks are whole: one that is copied elsewhere is good there."""

    num_kv_heads: int
    head_dim: int
    block_size: int
    """Tokens, a multiple of 16."""
    dtype: torch.dtype

    def __post_init__(self) -> None:
        assert self.num_kv_heads > 0, self.num_kv_heads
        assert self.block_size > 0, self.block_size
        assert self.block_size % PAGE == 0, self.block_size
        assert 0 < self.head_dim <= MAX_HEAD_DIM, self.head_dim
        assert self.head_dim % 2 == 0, self.head_dim
        assert self.dtype in DTYPE_NAMES, self.dtype

    @property
    def width(self) -> int:
        """Columns of a value."""
        return value_width(self.head_dim)

    @property
    def block_numel(self) -> int:
        return self.num_kv_heads * (self.head_dim + self.width) * self.block_size

    def make(self, num_blocks: int) -> torch.Tensor:
        """[num_blocks, block_numel]; what it holds at first does not matter, be it NaN."""
        return zeros((num_blocks, self.block_numel), self.dtype)

    def check(self, cache: torch.Tensor) -> None:
        assert cache.dtype == self.dtype, (cache.dtype, self.dtype)
        assert cache.shape[1:] == (self.block_numel,), (cache.shape, self)
