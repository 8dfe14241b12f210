"""What `--quantization` may be, and what is said where it cannot be had. Knows words, no kernels."""

from typing import Literal

from penstock.protocol.errors import ModelError

Quantization = Literal["int8", "int4", "fp8"]
NO_E4M3 = (
    "native CPU kernels round to int8 and int4; fp8 is for GPUs, and for comparing with "
    "--cpu-kernels reference"
)


def refusal(quantization: Quantization, reason: str) -> ModelError:
    return ModelError(f"--quantization {quantization} is not possible here: {reason}")
