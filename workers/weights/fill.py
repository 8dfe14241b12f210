"""Copies parts into a model's parameters, each once. Knows no family and no files."""

from collections.abc import Callable

import torch
from torch import nn

from penstock.workers.weights.parts import Parts


def fill(model: nn.Module, parts: Parts, progress: Callable[[str, float], None]) -> None:
    """Converts to the parameters' dtype and device."""
    parameters = dict(model.named_parameters())
    total_bytes = sum(parameter.nbytes for parameter in parameters.values())
    done_bytes = 0
    for name, parameter in parameters.items():
        _copy(parts[name], parameter.data)
        done_bytes += parameter.nbytes
        progress("weights", done_bytes / total_bytes)


def _copy(parts: list[torch.Tensor], target: torch.Tensor) -> None:
    assert sum(map(len, parts)) == len(target), "a place map leaves rows unfilled"
    for rows, part in zip(torch.split(target, [len(p) for p in parts]), parts, strict=True):
        rows.copy_(part)
