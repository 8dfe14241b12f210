"""What every layer is made of. Knows tensors, no model.

Legend: T tokens, D hidden, I inputs.
"""

import torch
from torch import nn

from penstock.workers.backend import Backend


class Linear(nn.Module):
    """Allocated, not initialized: the loader fills it."""

    def __init__(
        self, num_inputs: int, num_outputs: int, backend: Backend, *, bias: bool = False
    ) -> None:
        super().__init__()
        self._backend = backend
        self.weight = empty_parameter(num_outputs, num_inputs)
        self.bias = empty_parameter(num_outputs) if bias else None

    def forward(self, x_TI: torch.Tensor) -> torch.Tensor:
        return self._product(x_TI, self.bias)

    def _product(self, x_TI: torch.Tensor, bias_O: torch.Tensor | None) -> torch.Tensor:
        return self._backend.ops.linear(
            x_TI, self.weight, bias_O, batch_invariant=self._backend.batch_invariant
        )


class RMSNorm(nn.Module):
    def __init__(self, size: int, eps: float, backend: Backend) -> None:
        super().__init__()
        self._ops = backend.ops
        self.weight = empty_parameter(size)
        self.eps = eps

    def forward(self, x_D: torch.Tensor) -> torch.Tensor:
        return self._ops.rms_norm(x_D, self.weight, self.eps)

    def add(
        self, x_TD: torch.Tensor, residual_TD: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return self._ops.add_rms_norm(x_TD, residual_TD, self.weight, self.eps)


class Embedding(nn.Module):
    def __init__(self, num_rows: int, size: int, backend: Backend) -> None:
        super().__init__()
        self._ops = backend.ops
        self.weight = empty_parameter(num_rows, size)

    def forward(self, token_ids_T: torch.Tensor) -> torch.Tensor:
        return self._ops.embedding(token_ids_T, self.weight)


def empty_parameter(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.empty(shape), requires_grad=False)
