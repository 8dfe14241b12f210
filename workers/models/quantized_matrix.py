"""A matrix in fewer bits, in place of a layer's weight. Knows how it is stored and multiplied, no layers and no files.

Legend: T tokens, I inputs, O outputs, N rows; D hidden, K experts of one token.
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
    dequantized,
    quantize_int4,
    quantize_int8,
    unpack_int4,
)
from penstock.kernels.weight_groups import group_size
from penstock.workers.backend import Backend
from penstock.workers.quantization import Quantization, rounded_bytes

Stored = tuple[torch.Tensor, torch.Tensor]
"""Codes and scales."""


class Scheme(NamedTuple):
    """How weights are rounded, which ops multiply by them, and what rows of them are as float32."""

    quantize: Callable[[torch.Tensor], Stored]
    product: Callable[[Ops], Callable[..., torch.Tensor]]
    experts: Callable[[Ops], Callable[..., torch.Tensor]]
    rows: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class QuantizedMatrix(nn.Module):
    """Empty until it takes a weight: what is allocated before that is the model's parameters, and this has none."""

    codes: torch.Tensor
    scales: torch.Tensor

    def __init__(
        self, quantization: Quantization, backend: Backend, num_outputs: int, num_inputs: int
    ) -> None:
        super().__init__()
        self.scheme = SCHEMES[quantization]
        self.backend = backend
        self._quantization: Quantization = quantization
        self._shape = num_outputs, num_inputs

    @property
    def nbytes(self) -> int:
        """Once it is filled."""
        return rounded_bytes(self._quantization, *self._shape)

    def settle(self, dtype: torch.dtype, device: torch.device, home: torch.device) -> None:
        """What is served, where to round, and where to keep what comes of it."""
        self._dtype, self._device, self._home = dtype, device, home

    def take(self, parts: Sequence[torch.Tensor]) -> None:
        """Rounds the rows of each part, as they are in the checkpoint.

        One after the other: all of a layer's experts, as floats, might not fit.
        """
        stored = (self.scheme.quantize(part.to(self._device)) for part in parts)
        codes, scales = zip(
            *((one.to(self._home), other.to(self._home)) for one, other in stored), strict=True
        )
        joined = torch.cat([as_bits(one) for one in codes]).view(codes[0].dtype)
        self.register_buffer("codes", joined)
        # Those of groups lie output by output, see `Codes`.
        self.register_buffer("scales", torch.cat([one.t() for one in scales], dim=-1).t())

    def forward(self, x_TI: torch.Tensor, bias_O: torch.Tensor | None) -> torch.Tensor:
        op = self.scheme.product(self.backend.ops)
        return op(
            x_TI, self.codes, self.scales, bias_O, batch_invariant=self.backend.batch_invariant
        )

    def by_expert(self, num_experts: int) -> Stored:
        """[E, O, ...] each, of rows that are experts' one after another."""
        codes, scales = self.codes, self.scales
        return codes.view(num_experts, -1, *codes.shape[1:]), scales.view(
            num_experts, -1, *scales.shape[1:]
        )

    def rows(self, ids_N: torch.Tensor) -> torch.Tensor:
        """[N, I] in the dtype that is served."""
        codes = as_bits(self.codes)[ids_N].view(self.codes.dtype)
        return self.scheme.rows(codes, self.scales[ids_N]).to(self._dtype)


def through_experts(
    x_TD: torch.Tensor, gate_up: QuantizedMatrix, down: QuantizedMatrix, weights_TK: torch.Tensor,
    experts_TK: torch.Tensor, num_experts: int,
) -> torch.Tensor:  # fmt: skip
    """[T, D]; both matrices are rounded alike."""
    op = gate_up.scheme.experts(gate_up.backend.ops)
    return op(
        x_TD, *gate_up.by_expert(num_experts), *down.by_expert(num_experts), weights_TK, experts_TK,
        batch_invariant=gate_up.backend.batch_invariant,
    )  # fmt: skip


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
        "int8": Scheme(
            _int8, lambda ops: ops.linear_int8, lambda ops: ops.fused_experts_int8, dequantized
        ),
        "int4": Scheme(
            _int4, lambda ops: ops.linear_int4, lambda ops: ops.fused_experts_int4, _rows_of_int4
        ),
        "fp8": Scheme(
            quantize_rows_e4m3, lambda ops: ops.linear_e4m3, lambda ops: ops.fused_experts_e4m3,
            _rows_of_e4m3,
        ),
    }
)  # fmt: skip
