"""Feeds sequences to a decoder through the paged cache in any schedule, and gathers every logit."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from penstock.kernels.rows import Rows
from penstock.workers.batch import Batch
from penstock.workers.kv_cache import KVCache
from penstock.workers.models.decoder import DecoderModel

BLOCK_SIZE = 4
CPU = torch.device("cpu")


@dataclass
class Fed:
    """A sequence and how much of it has been fed."""

    token_ids: list[int]
    blocks: list[int]
    done: int = 0
    logits: list[torch.Tensor] = field(default_factory=list)

    @property
    def left(self) -> int:
        return len(self.token_ids) - self.done


class PagedRun:
    def __init__(
        self, model: DecoderModel, prompts: list[list[int]], seed: int = 0,
        *, cache_dtype: torch.dtype | None = None, device: torch.device = CPU,
    ) -> None:  # fmt: skip
        self.model = model
        self.device = device
        needs = [-(-len(prompt) // BLOCK_SIZE) for prompt in prompts]
        ids = random.Random(seed).sample(range(sum(needs) + 2), sum(needs))
        self.rows = [
            Fed(prompt, [ids.pop() for _ in range(need)])
            for prompt, need in zip(prompts, needs, strict=True)
        ]
        dtype = cache_dtype or model.dtype
        self.cache = KVCache(model.config, sum(needs) + 2, BLOCK_SIZE, dtype, device)

    @torch.inference_mode()
    def step(self, counts: list[int]) -> None:
        """Row i computes `counts[i]` more tokens; 0 leaves it out."""
        picked = [(row, count) for row, count in zip(self.rows, counts, strict=True) if count]
        batch = make_batch(picked, self.device)
        batch.check()
        hidden_TD = self.model(batch, self.cache)
        is_last = self.model.company.part.is_last
        logits_TV = self.model.logits(hidden_TD) if is_last else hidden_TD
        for (row, count), part in zip(picked, logits_TV.split(batch.rows.query_lens), strict=True):
            row.logits.append(part.cpu())
            row.done += count

    def whole(self) -> list[torch.Tensor]:
        self.step([row.left for row in self.rows])
        return self.logits()

    def by_steps(self, steps: Sequence[list[int]]) -> list[torch.Tensor]:
        """Which together compute all there is."""
        for counts in steps:
            self.step(counts)
        assert not any(row.left for row in self.rows)
        return self.logits()

    def at_random(self, seed: int, longest: int) -> list[torch.Tensor]:
        draw = random.Random(seed)
        while any(row.left for row in self.rows):
            counts = [min(row.left, draw.choice([0, 1, 1, longest])) for row in self.rows]
            if any(counts):
                self.step(counts)
        return self.logits()

    def logits(self) -> list[torch.Tensor]:
        return [torch.cat(row.logits) for row in self.rows]


def make_batch(picked: list[tuple[Fed, int]], device: torch.device = CPU) -> Batch:
    positions = [range(row.done, row.done + count) for row, count in picked]
    tables_RB = torch.zeros(
        len(picked), max(len(row.blocks) for row, _ in picked), dtype=torch.int64
    )
    for index, (row, _) in enumerate(picked):
        tables_RB[index, : len(row.blocks)] = torch.tensor(row.blocks)
    slots = [
        row.blocks[p // BLOCK_SIZE] * BLOCK_SIZE + p % BLOCK_SIZE
        for (row, _), span in zip(picked, positions, strict=True)
        for p in span
    ]
    return Batch(
        token_ids_T=torch.tensor(
            [
                row.token_ids[p]
                for (row, _), span in zip(picked, positions, strict=True)
                for p in span
            ]
        ).to(device),
        positions_T=torch.tensor([p for span in positions for p in span]).to(device),
        cache_slots_T=torch.tensor(slots).to(device),
        rows=Rows.of(
            [count for _, count in picked],
            [row.done + count for row, count in picked],
            tables_RB.to(device),
        ),
    )


def prompts_of(lengths: list[int], seed: int = 1) -> list[list[int]]:
    draw = random.Random(seed)
    return [[draw.randrange(97) for _ in range(length)] for length in lengths]
