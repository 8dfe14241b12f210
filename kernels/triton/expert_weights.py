"""Weights of all experts of a layer, of whatever kind, as products read them. Knows no tiles and no order of tokens.

Legend: E experts, O outputs and I inputs of each, G groups of inputs, N rows; W numbers of a stored row of weights.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

from penstock.kernels.triton.expert_blocks import Step


class Activations(NamedTuple):
    """Rows as they are multiplied, and what their sums are to be scaled by."""

    rows_NI: torch.Tensor
    scales_N: torch.Tensor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpertWeights:
    """What a step of a product reads and how it multiplies is `fold`, see `linear_spans`; so are the scales of groups.

    `rounded` is what activations become before.
    """

    stored_EOW: torch.Tensor
    num_inputs: int
    step: Step
    fold: Any
    scales_EOG: torch.Tensor | None = None
    output_scales_EO: torch.Tensor | None = None
    rounded: Callable[[torch.Tensor], Activations] = Activations

    def __post_init__(self) -> None:
        """Outputs are counted through all experts: one's first comes after the last of another."""
        assert self.stored_EOW.is_contiguous()
        assert self.output_scales_EO is None or self.output_scales_EO.is_contiguous()
        scales_EOG = self.scales_EOG
        if scales_EOG is not None:
            assert scales_EOG.stride(0) == scales_EOG.shape[1] * scales_EOG.stride(1)

    @property
    def num_experts(self) -> int:
        return len(self.stored_EOW)

    @property
    def num_outputs(self) -> int:
        return self.stored_EOW.shape[1]

    @property
    def strides(self) -> tuple[int, int, int]:
        """From output to output, and of the scales from output to output and from group to group."""
        scales_EOG = self.scales_EOG
        of_scales = (0, 0) if scales_EOG is None else (scales_EOG.stride(1), scales_EOG.stride(2))
        return self.stored_EOW.stride(1), *of_scales


def grouped(
    codes_EOW: torch.Tensor, scales_EOG: torch.Tensor, x_bytes: int, fold: Any, *, w_bytes: float
) -> ExpertWeights:
    """Inputs are scaled in groups, a group a step; `w_bytes` are those of one weight."""
    num_inputs = int(codes_EOW.shape[2] / w_bytes)
    return ExpertWeights(
        stored_EOW=codes_EOW, num_inputs=num_inputs, fold=fold, scales_EOG=scales_EOG,
        step=Step(x_bytes, w_bytes, num_inputs // scales_EOG.shape[2]),
    )  # fmt: skip
