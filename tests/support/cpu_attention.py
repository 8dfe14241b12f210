"""Sequences in a native paged cache, fed in any schedule, and what the reference makes of them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from penstock.kernels.cpu.kv_layout import KVLayout
from penstock.kernels.cpu.library import Library
from penstock.kernels.cpu.paged_attention import add_paged_attention, attention_scratch
from penstock.kernels.cpu.program import Program, Step, Team
from penstock.kernels.cpu.rope_store import HeadNorms, add_rope_store
from penstock.kernels.reference import paged_attention, rms_norm, rope, store_kv
from penstock.kernels.rows import Rows

SCALE = 0.3


@dataclass(frozen=True)
class Shape:
    num_heads: int = 4
    num_kv_heads: int = 2
    head_dim: int = 32
    half: int = 16
    block_size: int = 16
    window: int | None = None
    dtype: torch.dtype = torch.bfloat16
    has_norms: bool = False

    @property
    def layout(self) -> KVLayout:
        return KVLayout(self.num_kv_heads, self.head_dim, self.block_size, self.dtype)


@dataclass
class Fed:
    """The fused projection of every token, the blocks, and how many tokens are in the cache."""

    qkv_TX: torch.Tensor
    blocks: list[int]
    done: int = 0
    out: list[torch.Tensor] = field(default_factory=list)


class World:
    """Sequences of these lengths over one cache that begins full of NaN."""

    def __init__(self, library: Library, shape: Shape, lengths: Sequence[int], seed: int) -> None:
        self.library, self.shape, self.lengths = library, shape, lengths
        random = torch.Generator().manual_seed(seed)
        self._random = random
        needs = [-(-length // shape.block_size) for length in lengths]
        ids = torch.randperm(sum(needs) + 2, generator=random).tolist()
        width = (shape.num_heads + 2 * shape.num_kv_heads) * shape.head_dim
        self.qkv = [torch.randn(length, width, generator=random) for length in lengths]
        self.blocks = [[ids.pop() for _ in range(need)] for need in needs]
        longest = max(lengths)
        self.cos_ME, self.sin_ME = self._tables(longest)
        self.norms = self._norms() if shape.has_norms else None
        self.cache = shape.layout.make(sum(needs) + 2)

    def _tables(self, longest: int) -> tuple[torch.Tensor, torch.Tensor]:
        rates_E = 1.0 / 100.0 ** (torch.arange(self.shape.half) / max(1, self.shape.half))
        angles_ME = torch.arange(longest)[:, None] * rates_E
        return angles_ME.cos().contiguous(), angles_ME.sin().contiguous()

    def _norms(self) -> HeadNorms:
        weights = (1 + 0.1 * torch.randn(2, self.shape.head_dim, generator=self._random)).to(
            self.shape.dtype
        )
        return HeadNorms(weights[0].clone(), weights[1].clone(), 1e-6)

    def run(
        self, schedule: Iterable[dict[int, int]], team: Team, partials: int = 4096
    ) -> list[torch.Tensor]:
        """Each step feeds `{sequence: tokens}`. Answers the attention of every token fed."""
        self.cache.fill_(torch.nan)
        rows = [Fed(*of) for of in zip(self.qkv, self.blocks, strict=True)]
        for counts in schedule:
            self._step([(rows[i], n) for i, n in counts.items()], team, partials)
        return [torch.cat(row.out) if row.out else torch.empty(0) for row in rows]

    def _step(self, picked: list[tuple[Fed, int]], team: Team, partials: int) -> None:
        shape, layout = self.shape, self.shape.layout
        qkv_TX = torch.cat([row.qkv_TX[row.done : row.done + n] for row, n in picked])
        q_THD = torch.full((len(qkv_TX), shape.num_heads, shape.head_dim), torch.nan)
        q_THD = q_THD.to(shape.dtype)
        out_THD = torch.full_like(q_THD, torch.nan)
        program = Program(self.library, team)
        add_rope_store(
            program, qkv_TX, self.cos_ME, self.sin_ME, q_THD, self.cache, layout, self.norms
        )
        add_paged_attention(
            program, q_THD, self.cache, out_THD, layout, attention_scratch(layout, partials),
            scale=SCALE, window=shape.window,
        )  # fmt: skip
        program.run(step_of(picked))
        for (row, n), part in zip(picked, out_THD.split([n for _, n in picked]), strict=True):
            row.out.append(part.clone())
            row.done += n

    def whole(self) -> list[dict[int, int]]:
        return [dict(enumerate(self.lengths))]

    def expected(self) -> list[torch.Tensor]:
        """The reference, far more exact, from the same queries, keys and values rounded as the cache does."""
        exact = torch.float32 if self.shape.dtype == torch.bfloat16 else torch.float64
        return [self._expected(qkv_TX, exact) for qkv_TX in self.qkv]

    def _expected(self, qkv_TX: torch.Tensor, exact: torch.dtype) -> torch.Tensor:
        q_THD, k_TGD, v_TGD = (x.to(exact) for x in self.turned(qkv_TX))
        num_tokens = len(qkv_TX)
        caches = [torch.zeros_like(k_TGD) for _ in range(2)]
        store_kv(k_TGD, v_TGD, *caches, torch.arange(num_tokens))
        rows = Rows.of([num_tokens], [num_tokens], torch.arange(num_tokens)[None])
        return paged_attention(
            q_THD, *caches, rows, block_size=1, scale=SCALE, window=self.shape.window
        )

    def turned(self, qkv_TX: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        shape = self.shape
        heads = qkv_TX.view(len(qkv_TX), -1, shape.head_dim)
        parts = (shape.num_heads, shape.num_kv_heads, shape.num_kv_heads)
        q_THD, k_TGD, v_TGD = heads.split(parts, dim=1)
        if self.norms:
            q_THD = self._normed(q_THD, self.norms.q_weight_D)
            k_TGD = self._normed(k_TGD, self.norms.k_weight_D)
        tables = self.cos_ME[: len(qkv_TX)].double(), self.sin_ME[: len(qkv_TX)].double()
        turned = (rope(q_THD.double(), *tables), rope(k_TGD.double(), *tables), v_TGD)
        q, k, v = (x.to(shape.dtype) for x in turned)
        return q, k, v

    def _normed(self, x_TND: torch.Tensor, weight_D: torch.Tensor) -> torch.Tensor:
        """`reference.rms_norm`, but rounded to the dtype only where the native one rounds."""
        unweighted = rms_norm(x_TND, torch.ones(self.shape.head_dim), 1e-6)
        return unweighted.to(self.shape.dtype).double() * weight_D.double()


def step_of(picked: Sequence[tuple[Fed, int]]) -> Step:
    counts = [n for _, n in picked]
    tables_RB = np.full((len(picked), max(len(row.blocks) for row, _ in picked)), -1, np.int32)
    for index, (row, _) in enumerate(picked):
        tables_RB[index, : len(row.blocks)] = row.blocks
    positions = np.concatenate([np.arange(row.done, row.done + n) for row, n in picked])
    return Step(
        token_ids_T=np.zeros(sum(counts), np.int32),
        positions_T=positions.astype(np.int32),
        query_lens_R=np.array(counts, np.int32),
        context_lens_R=np.array([row.done + n for row, n in picked], np.int32),
        block_tables_RB=tables_RB,
    )


def in_chunks(lengths: Sequence[int], size: int) -> Iterator[dict[int, int]]:
    """All sequences together, `size` tokens of each at a time."""
    for done in range(0, max(lengths), size):
        left = {i: min(size, length - done) for i, length in enumerate(lengths)}
        yield {i: n for i, n in left.items() if n > 0}
