"""A matrix in fewer bits, in place of a layer's weight. Knows how it is stored and multiplied, no layers and no files.

Legend: T tokens, I inputs, O outputs, N rows.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import torch
from torch import nn

from penstock.kernels.ops import Ops
from penstock.kernels.reference.kv_codes import as_bits
from penstock.kernels.reference.quantize_rows_e4m3 import quantize_rows_e4m3
from penstock.kernels.reference.weight_codes import (
    GROUPS,
    dequantized,
    group_size,
    quantize_int4,
    quantize_int8,
    unpack_int4,
)
from penstock.workers.backend import Backend
from penstock.workers.quantization import Quantization

Stored = tuple[torch.Tensor, torch.Tensor]
"""Codes and scales."""


class Scheme(NamedTuple):
    """How weights are rounded, which op multiplies by them, and what rows of them are as float32."""

    quantize: Callable[[torch.Tensor], Stored]
    product: Callable[[Ops], Callable[..., torch.Tensor]]
    rows: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    grouped: bool
    """Whether inputs are cut into groups."""


class QuantizedMatrix(nn.Module):
    """Empty until it takes a weight: what is allocated before that is the model's parameters, and this has none."""

    codes: torch.Tensor
    scales: torch.Tensor

    def __init__(self, quantization: Quantization, backend: Backend) -> None:
        super().__init__()
        self._scheme = SCHEMES[quantization]
        self._backend = backend

    def take(self, dtype: torch.dtype, device: torch.device, parts: Sequence[torch.Tensor]) -> None:
        """Rounds the rows of all parts, as they are in the checkpoint, where they will stay."""
        weight_OI = torch.cat([part.to(device) for part in parts])
        codes, scales = self._scheme.quantize(weight_OI)
        self.register_buffer("codes", codes)
        self.register_buffer("scales", scales)
        self._dtype = dtype

    def forward(self, x_TI: torch.Tensor, bias_O: torch.Tensor | None) -> torch.Tensor:
        op = self._scheme.product(self._backend.ops)
        return op(
            x_TI, self.codes, self.scales, bias_O, batch_invariant=self._backend.batch_invariant
        )

    def rows(self, ids_N: torch.Tensor) -> torch.Tensor:
        """[N, I] in the dtype that is served."""
        codes = as_bits(self.codes)[ids_N].view(self.codes.dtype)
        return self._scheme.rows(codes, self.scales[ids_N]).to(self._dtype)


def not_quantizable(quantization: Quantization, widths: Sequence[int]) -> str | None:
    """Why matrices of so many inputs cannot be rounded; None when they can."""
    if not SCHEMES[quantization].grouped or all(map(group_size, widths)):
        return None
    return f"a width of the model, or of a rank's share, is not a multiple of {GROUPS[-1]}: {tuple(widths)}"


def _int8(weight_OI: torch.Tensor) -> Stored:
    return quantize_int8(weight_OI, _group(weight_OI))


def _int4(weight_OI: torch.Tensor) -> Stored:
    return quantize_int4(weight_OI, _group(weight_OI))


def _group(weight_OI: torch.Tensor) -> int:
    group = group_size(weight_OI.shape[1])
    assert group is not None, weight_OI.shape
    return group


def _rows_of_int4(bytes_NH: torch.Tensor, scales_NG: torch.Tensor) -> torch.Tensor:
    group = 2 * bytes_NH.shape[1] // scales_NG.shape[1]
    return dequantized(unpack_int4(bytes_NH, group), scales_NG)


def _rows_of_e4m3(codes_NI: torch.Tensor, scales_N: torch.Tensor) -> torch.Tensor:
    return codes_NI.float() * scales_N.unsqueeze(1)


SCHEMES: Mapping[Quantization, Scheme] = MappingProxyType(
    {
        "int8": Scheme(_int8, lambda ops: ops.linear_int8, dequantized, grouped=True),
        "int4": Scheme(_int4, lambda ops: ops.linear_int4, _rows_of_int4, grouped=True),
        "fp8": Scheme(
            quantize_rows_e4m3, lambda ops: ops.linear_e4m3, _rows_of_e4m3, grouped=False
        ),
    }
)
