"""Packs encoded chats into rows of fixed length. Knows no text and no model."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from .tokens import Encoded

BINS = 24


@dataclass
class Row:
    """Chats that share a row; each keeps its own positions and sees only itself."""

    chats: list[Encoded] = field(default_factory=list)
    used: int = 0

    def add(self, chat: Encoded) -> None:
        self.chats.append(chat)
        self.used += len(chat.ids)


@dataclass
class Batch:
    """Tensors (batch, time) for one step; `places` are flat indices whose next token is to be learned."""

    ids: Tensor
    positions: Tensor
    documents: Tensor
    places: Tensor
    targets: Tensor


class Packer:
    """Fills rows of one length, best fit first, and lets a row go when the bins are full."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.open: list[Row] = []

    def put(self, chat: Encoded) -> Row | None:
        """Add a chat; gives back a finished row when room had to be made."""
        size = len(chat.ids)
        fitting = [row for row in self.open if row.used + size <= self.length]
        if fitting:
            max(fitting, key=lambda row: row.used).add(chat)
            return None
        self.open.append(Row())
        self.open[-1].add(chat)
        if len(self.open) <= BINS:
            return None
        fullest = max(self.open, key=lambda row: row.used)
        self.open.remove(fullest)
        return fullest


def tensors(rows: list[Row], length: int) -> Batch:
    """The rows side by side, padded with documents of their own."""
    ids = torch.zeros(len(rows), length, dtype=torch.long)
    positions, documents = torch.zeros_like(ids), torch.full_like(ids, -1)
    places, targets = [], []
    for r, row in enumerate(rows):
        at = 0
        for d, chat in enumerate(row.chats):
            size = len(chat.ids)
            ids[r, at : at + size] = torch.tensor(chat.ids)
            positions[r, at : at + size] = torch.arange(size)
            documents[r, at : at + size] = d
            learn = [i for i in range(1, size) if chat.learned[i]]
            places += [r * length + at + i - 1 for i in learn]
            targets += [chat.ids[i] for i in learn]
            at += size
    return Batch(ids, positions, documents, torch.tensor(places), torch.tensor(targets))


def batches(chats: Iterator[Encoded], tokens: int, lengths: tuple[int, ...]) -> Iterator[Batch]:
    """Batches of about `tokens` tokens; a chat goes to the shortest rows that hold it."""
    packers = {length: Packer(length) for length in lengths}
    ready: dict[int, list[Row]] = {length: [] for length in lengths}
    for chat in chats:
        fitting = [length for length in lengths if len(chat.ids) <= length]
        if not fitting:
            continue
        row = packers[fitting[0]].put(chat)
        if row:
            ready[fitting[0]].append(row)
        if len(ready[fitting[0]]) * fitting[0] >= tokens:
            yield tensors(ready[fitting[0]], fitting[0])
            ready[fitting[0]] = []
