"""Builds what `Sampler.sample` takes from lists. Knows no engine and no slots' life."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from penstock.protocol.sampling import SamplingParams
from penstock.workers.sampler.ops import SamplingOps
from penstock.workers.sampler.rows import Rows
from penstock.workers.sampler.sampler import Sampled, Sampler


@dataclass
class Row:
    """One sequence about to sample."""

    logits: torch.Tensor
    params: SamplingParams
    prompt: list[int] = field(default_factory=lambda: [0])
    output: list[int] = field(default_factory=list)


def make_rows(rows: Sequence[Row], slots: Sequence[int]) -> Rows:
    """Row i lies in slot `slots[i]`."""
    lengths = np.array([len(row.prompt) + len(row.output) for row in rows])
    tokens = np.zeros((max(slots) + 1, lengths.max() + 1), dtype=np.int32)
    for row, slot, length in zip(rows, slots, lengths, strict=True):
        tokens[slot, :length] = row.prompt + row.output
    prompts = np.array([len(row.prompt) for row in rows])
    return Rows(np.array(slots), lengths, prompts, tokens)


def sample(
    rows: Sequence[Row], slots: Sequence[int] | None = None, ops: SamplingOps | None = None
) -> Sampled:
    """Samples the rows as one batch, with torch where `ops` does not say otherwise."""
    slots = range(len(rows)) if slots is None else slots
    sampler = Sampler(max(slots) + 1, ops)
    for row, slot in zip(rows, slots, strict=True):
        sampler.start(slot, row.params)
    return sampler.sample(torch.stack([row.logits for row in rows]), make_rows(rows, slots))
