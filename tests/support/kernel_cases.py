"""Random tensors and pages for kernels on any device, and how near two answers must be. Knows no kernel."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from penstock.kernels.rows import Rows

TOLERANCE = {
    torch.float32: {"rtol": 1e-5, "atol": 1e-5},
    torch.float16: {"rtol": 4e-3, "atol": 2e-3},
    torch.bfloat16: {"rtol": 3e-2, "atol": 1e-2},
}


def close(found: torch.Tensor, expected: torch.Tensor, **tolerance: float) -> None:
    """Within what roundings of the dtype explain, or within `tolerance`."""
    tolerance = tolerance or TOLERANCE[expected.dtype]
    torch.testing.assert_close(found, expected, **tolerance)


class Draw:
    """Shapes and numbers from one seed, the same on every device."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self.some = random.Random(seed)
        self.generator = torch.Generator().manual_seed(seed)
        self.device = device

    def normal(self, *shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        return torch.randn(shape, generator=self.generator).to(dtype).to(self.device)

    def angles(self, *shape: int, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
        """Cosines and sines."""
        angles = torch.rand(shape, generator=self.generator) * 7
        return angles.cos().to(dtype).to(self.device), angles.sin().to(dtype).to(self.device)

    def permutation(self, size: int) -> torch.Tensor:
        return torch.randperm(size, generator=self.generator).to(self.device)


@dataclass(frozen=True)
class Paged:
    """Rows with their pages, shuffled; slots that are nobody's hold NaN."""

    q_THD: torch.Tensor
    k_cache_SGD: torch.Tensor
    v_cache_SGD: torch.Tensor
    rows: Rows
    block_size: int

    def only(self, row: int, query_len: int | None = None) -> "Paged":
        """One row by itself, or the last tokens of it."""
        first, end = self.rows.starts_P[row].item(), self.rows.starts_P[row + 1].item()
        query_len = query_len or end - first
        rows = Rows.of(
            [query_len], [self.rows.context_lens[row]], self.rows.block_tables_RB[row : row + 1]
        )
        q_THD = self.q_THD[end - query_len : end].contiguous()
        return Paged(q_THD, self.k_cache_SGD, self.v_cache_SGD, rows, self.block_size)

    def moved_to(self, caches: Sequence[torch.Tensor]) -> "Paged":
        """The same with its pages at the end of larger caches."""
        small = len(self.k_cache_SGD)
        for cache, own in zip(caches, (self.k_cache_SGD, self.v_cache_SGD), strict=True):
            cache[-small:] = own
        first_block = (len(caches[0]) - small) // self.block_size
        tables_RB = self.rows.block_tables_RB + first_block
        rows = Rows.of(self.rows.query_lens, self.rows.context_lens, tables_RB)
        return Paged(self.q_THD, *caches, rows, self.block_size)


def paged(
    draw: Draw,
    lens: Sequence[tuple[int, int]],
    *,
    heads: tuple[int, int],
    head_dim: int,
    block_size: int,
    dtype: torch.dtype,
    cache_dtype: torch.dtype | None = None,
) -> Paged:
    """A row for each (query_len, context_len), with (query, KV) heads."""
    num_blocks = [-(-context // block_size) for _, context in lens]
    order = draw.permutation(sum(num_blocks) + 3)
    tables = torch.zeros(len(lens), max(1, *num_blocks), dtype=torch.int64, device=draw.device)
    owned = torch.zeros(len(order) * block_size, dtype=torch.bool, device=draw.device)
    for row, ids in enumerate(order[: sum(num_blocks)].split(num_blocks)):
        tables[row, : len(ids)] = ids
        places = (
            ids[:, None] * block_size + torch.arange(block_size, device=draw.device)
        ).flatten()
        owned[places[: lens[row][1]]] = True
    shape = (len(owned), heads[1], head_dim)
    caches = [draw.normal(*shape, dtype=dtype).to(cache_dtype or dtype) for _ in range(2)]
    for cache in caches:
        cache.view(torch.uint8)[~owned] = 0xFF  # NaN in every dtype
    query_lens, context_lens = zip(*lens, strict=True)
    q_THD = draw.normal(sum(query_lens), heads[0], head_dim, dtype=dtype)
    return Paged(q_THD, *caches, Rows.of(query_lens, context_lens, tables), block_size)
