"""Fills a model with seeded noise, for trying speed without a checkpoint. Knows no files.

Legend: P numbers in the pool.
"""

import torch
from torch import nn

_SPREAD = 0.05
# Drawing billions of numbers takes minutes, so one pool is laid out again and again. Being prime, its
# length divides no row, and neither rows nor, being rolled, parameters come out alike.
_POOL = 1_000_003
_ROLL = 7919


def fill_with_noise(model: nn.Module, seed: int) -> None:
    """Norms are one, so that activations neither vanish nor grow."""
    pool_P = torch.empty(_POOL).uniform_(
        -_SPREAD, _SPREAD, generator=torch.Generator().manual_seed(seed)
    )
    for index, (name, parameter) in enumerate(model.named_parameters()):
        if name.endswith("norm.weight"):
            parameter.data.fill_(1.0)
        else:
            _lay(pool_P.roll(index * _ROLL).to(parameter), parameter.data.view(-1))


def _lay(pool_P: torch.Tensor, flat: torch.Tensor) -> None:
    for part in torch.split(flat, _POOL):
        part.copy_(pool_P[: len(part)])
