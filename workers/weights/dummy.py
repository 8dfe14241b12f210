"""Fills a model with seeded noise, for trying speed without a checkpoint. Knows no files."""

import torch
from torch import nn

_SPREAD = 0.05


def fill_with_noise(model: nn.Module, seed: int) -> None:
    """Norms are one, so that activations neither vanish nor grow."""
    for index, (name, parameter) in enumerate(model.named_parameters()):
        if name.endswith("norm.weight"):
            parameter.data.fill_(1.0)
        else:
            random = torch.Generator(parameter.device).manual_seed(seed + index)
            parameter.data.uniform_(-_SPREAD, _SPREAD, generator=random)
