"""What every layer is made of. Knows tensors, no model.

Legend: T tokens, D hidden, I inputs, O outputs.
"""

import torch
from torch import nn

from penstock.workers.backend import Backend
from penstock.workers.models.quantized_matrix import QuantizedMatrix
from penstock.workers.quantization import Quantization


class Matrix(nn.Module):
    """Rows for outputs, or tokens: allocated, not initialized, the loader fills them.

    As the checkpoint has them, or rounded; then there is no `weight`.
    """

    weight: nn.Parameter
    quantized: QuantizedMatrix | None

    def __init__(self, num_outputs: int, num_inputs: int, backend: Backend) -> None:
        super().__init__()
        self._backend = backend
        self.weight = empty_parameter(num_outputs, num_inputs)
        self.quantized = None

    def quantize(self, quantization: Quantization) -> None:
        """Before anything is allocated or filled."""
        num_outputs, num_inputs = self.weight.shape
        del self.weight
        self.quantized = QuantizedMatrix(quantization, self._backend, num_outputs, num_inputs)

    def product(self, x_TI: torch.Tensor, bias_O: torch.Tensor | None = None) -> torch.Tensor:
        if self.quantized is not None:
            out_TO: torch.Tensor = self.quantized(x_TI, bias_O)
            return out_TO
        return self._backend.ops.linear(
            x_TI, self.weight, bias_O, batch_invariant=self._backend.batch_invariant
        )


class Linear(Matrix):
    def __init__(
        self, num_inputs: int, num_outputs: int, backend: Backend, *, bias: bool = False
    ) -> None:
        super().__init__(num_outputs, num_inputs, backend)
        self.bias = empty_parameter(num_outputs) if bias else None

    def forward(self, x_TI: torch.Tensor) -> torch.Tensor:
        return self.product(x_TI, self.bias)


class ExactLinear(Linear):
    """Of few outputs, by which much is decided: not rounded with the others."""

    def quantize(self, quantization: Quantization) -> None:
        """See above."""


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


class Embedding(Matrix):
    def forward(self, token_ids_T: torch.Tensor) -> torch.Tensor:
        if self.quantized is not None:
            return self.quantized.rows(token_ids_T)
        return self._backend.ops.embedding(token_ids_T, self.weight)


def empty_parameter(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.empty(shape), requires_grad=False)
