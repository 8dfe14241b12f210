"""What `--quantization` may be, what it makes of a matrix, and what is said where it cannot be. Knows no tensors."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple

from penstock.kernels.weight_groups import GROUPS, group_size
from penstock.protocol.errors import ModelError

Quantization = Literal["int8", "int4", "fp8"]
NO_E4M3 = (
    "native CPU kernels round to int8 and int4; fp8 is for GPUs, and for comparing with "
    "--cpu-kernels reference"
)


class Layout(NamedTuple):
    """Of a weight, and whether inputs have scales in groups; else each output has one."""

    bits: int
    grouped: bool


LAYOUTS: Mapping[Quantization, Layout] = MappingProxyType(
    {"int8": Layout(8, True), "int4": Layout(4, True), "fp8": Layout(8, False)}
)
"""On GPUs, and in torch's operations; native CPU kernels have their own."""


def rounded_bytes(quantization: Quantization, num_outputs: int, num_inputs: int) -> int:
    """Of a matrix: codes, and scales of two bytes for groups, of four for outputs."""
    bits, grouped = LAYOUTS[quantization]
    group = group_size(num_inputs) if grouped else None
    scales = 2 * (num_inputs // group) if group else 4
    return num_outputs * (num_inputs * bits // 8 + scales)


def not_quantizable(quantization: Quantization, widths: Sequence[int]) -> str | None:
    """Why matrices of so many inputs cannot be rounded; None when they can."""
    if not LAYOUTS[quantization].grouped or all(map(group_size, widths)):
        return None
    return f"a width of the model, or of a rank's share, is not a multiple of {GROUPS[-1]}: {tuple(widths)}"


def refusal(quantization: Quantization, reason: str) -> ModelError:
    return ModelError(f"--quantization {quantization} is not possible here: {reason}")
