"""Muon for the matrices inside the layers, AdamW for the rest. Knows no model but its names."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


def orthogonal(grads: Tensor, steps: int = 5) -> Tensor:
    """Newton-Schulz iteration towards the nearest orthogonal matrices of a stack."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = grads.bfloat16()
    tall = x.shape[-2] > x.shape[-1]
    x = x.mT if tall else x
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        s = x @ x.mT
        x = a * x + (b * s + c * s @ s) @ x
    return (x.mT if tall else x).float()


class Muon(torch.optim.Optimizer):
    """Momentum, then an orthogonal update; one parameter group holds matrices of one shape."""

    def __init__(self, params: Iterable[Tensor], lr: float, momentum: float, decay: float) -> None:
        groups: dict[torch.Size, list[Tensor]] = {}
        for param in params:
            groups.setdefault(param.shape, []).append(param)
        defaults = {"lr": lr, "momentum": momentum, "decay": decay}
        super().__init__([{"params": same} for same in groups.values()], defaults)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """One update of every group."""
        for group in self.param_groups:
            self._step_group(group)

    def _step_group(self, group: dict) -> None:
        params = group["params"]
        moments = [self._moment(p) for p in params]
        for moment, param in zip(moments, params, strict=True):
            moment.lerp_(param.grad, 1 - group["momentum"])
        ahead = [p.grad.lerp(m, group["momentum"]) for m, p in zip(moments, params, strict=True)]
        updates = orthogonal(torch.stack(ahead))
        scale = group["lr"] * max(1.0, params[0].shape[0] / params[0].shape[1]) ** 0.5
        for param, update in zip(params, updates, strict=True):
            param.mul_(1 - group["lr"] * group["decay"]).add_(update, alpha=-scale)

    def _moment(self, param: Tensor) -> Tensor:
        state = self.state[param]
        if "moment" not in state:
            state["moment"] = torch.zeros_like(param)
        return state["moment"]


def optimizers(model: nn.Module, matrix_lr: float, other_lr: float) -> list[torch.optim.Optimizer]:
    """Muon over the layers' matrices and AdamW over the embedding and the norms."""
    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    others = [p for n, p in model.named_parameters() if p.ndim != 2 or "embed" in n]
    return [
        Muon(matrices, lr=matrix_lr, momentum=0.95, decay=0.1),
        torch.optim.AdamW(others, lr=other_lr, betas=(0.9, 0.98), weight_decay=0.0),
    ]
