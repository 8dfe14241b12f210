"""What the bytes of quantized weights and activations mean, read slowly in torch; and steps of so many tokens.

T tokens, O outputs, I inputs, P panels of 32 columns, G groups of 32 inputs.
"""

from collections.abc import Callable

import numpy as np
import torch

from penstock.kernels.cpu.library import Library
from penstock.kernels.cpu.program import Program, Step, Team
from penstock.kernels.cpu.quant_weights import Bits, Quantized

PANEL = 32


def run_step(
    library: Library, team: Team, num_tokens: int, add_ops: Callable[[Program], None]
) -> None:
    """One row of `num_tokens`, the last two of which (one at least) are sampled."""
    program = Program(library, team)
    add_ops(program)
    program.run(
        Step(
            token_ids_T=np.zeros(num_tokens, dtype=np.int32),
            positions_T=np.arange(num_tokens, dtype=np.int32),
            query_lens_R=np.array([num_tokens], dtype=np.int32),
            context_lens_R=np.array([num_tokens], dtype=np.int32),
            block_tables_RB=np.zeros((1, 1), dtype=np.int32),
            sample_tokens_N=np.arange(max(0, num_tokens - 2), num_tokens, dtype=np.int32),
        )
    )


def weights_of(weight: Quantized) -> tuple[torch.Tensor, torch.Tensor]:
    """Integers int32 [columns, I] and scales float32 [columns, G], the padding dropped."""
    data = weight.data_PGB
    num_panels, num_groups, _ = data.shape
    pairs = data[..., : 2 * PANEL].contiguous().view(torch.bfloat16).float()
    scales = pairs.view(num_panels, num_groups, 16, 2).permute(0, 3, 2, 1)
    quads = data[..., 2 * PANEL :].reshape(num_panels, num_groups, -1, PANEL, 4).int()
    if weight.bits is Bits.INT4:
        quads = torch.stack((quads & 15, quads >> 4), dim=3).flatten(2, 3)
    values = quads.permute(0, 3, 1, 2, 4).reshape(num_panels * PANEL, -1)
    values = values - (1 << (weight.bits - 1))
    return values[: weight.columns], scales.reshape(num_panels * PANEL, -1)[: weight.columns]


def dequantized(weight: Quantized) -> torch.Tensor:
    """float64 [columns, I], exact."""
    values_OI, scales_OG = weights_of(weight)
    return values_OI.double() * scales_OG.double().repeat_interleave(32, dim=1)


def activations_of(x_TGB: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Integers int8 [T, G, 32], scales float32 [T, G] and minus the sums int32 [T, G]."""
    values = x_TGB[..., 8:].contiguous().view(torch.int8)
    scales = x_TGB[..., :4].contiguous().view(torch.float32)[..., 0]
    return values, scales, x_TGB[..., 4:8].contiguous().view(torch.int32)[..., 0]


def dequantized_activations(x_TGB: torch.Tensor) -> torch.Tensor:
    """float64 [T, I], exact."""
    values, scales, _ = activations_of(x_TGB)
    return (values.double() * scales.double()[..., None]).flatten(1)
