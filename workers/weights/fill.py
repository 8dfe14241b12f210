"""Copies parts into a model's parameters, or rounds them there, each once. Knows no family and no files."""

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import nn

from penstock.workers.models.basic_layers import Matrix
from penstock.workers.weights.parts import Parts

_Take = Callable[[list[torch.Tensor]], None]


def fill(model: nn.Module, parts: Parts, progress: Callable[[str, float], None]) -> None:
    """Converts to the parameters' dtype and device."""
    takers = {**dict(_parameters(model)), **dict(_matrices(model))}
    total, done = sum(_size(parts[name]) for name in takers), 0
    for name, take in takers.items():
        take(parts[name])
        done += _size(parts[name])
        progress("weights", done / total)


def _parameters(model: nn.Module) -> Iterator[tuple[str, _Take]]:
    for name, parameter in model.named_parameters():
        yield name, partial(_copy, parameter.data)


def _matrices(model: nn.Module) -> Iterator[tuple[str, _Take]]:
    """Those that are kept in fewer bits, under the names that their weights would have."""
    for name, module in model.named_modules():
        if isinstance(module, Matrix) and module.quantized is not None:
            yield f"{name}.weight", module.quantized.take


def _copy(target: torch.Tensor, parts: list[torch.Tensor]) -> None:
    assert sum(map(len, parts)) == len(target), "a place map leaves rows unfilled"
    for rows, part in zip(torch.split(target, [len(p) for p in parts]), parts, strict=True):
        rows.copy_(part)


def _size(parts: list[torch.Tensor]) -> int:
    return sum(part.numel() for part in parts)
