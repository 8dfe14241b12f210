"""Each token through its own experts, weights and activations in e4m3; see `reference.fused_experts_e4m3`.

What goes into a product is rounded before, each row by itself: a token once, and each expert's inner states.
Knows no router. Legend: T tokens, D hidden, E experts, I an expert's width, J = 2 I, K experts of one token.
"""

import torch

from penstock.kernels.reference.kv_codes import FP8, as_bits
from penstock.kernels.triton.device import Device, device_of
from penstock.kernels.triton.expert_blocks import Step
from penstock.kernels.triton.expert_weights import Activations, ExpertWeights
from penstock.kernels.triton.linear_e4m3 import fold_on
from penstock.kernels.triton.quantize_rows_e4m3 import quantize_rows_e4m3
from penstock.kernels.triton.through_experts import through_experts

_STEP = Step(x_bytes=1, w_bytes=1, inputs=128)


def fused_experts_e4m3(
    x_TD: torch.Tensor,
    gate_up_EJD: torch.Tensor,
    gate_up_scales_EJ: torch.Tensor,
    down_EDI: torch.Tensor,
    down_scales_ED: torch.Tensor,
    weights_TK: torch.Tensor,
    experts_TK: torch.Tensor,
    *,
    batch_invariant: bool = False,
) -> torch.Tensor:
    """A token's answers are added up in the order of its choices."""
    assert gate_up_EJD.dtype == down_EDI.dtype == FP8, (gate_up_EJD.dtype, down_EDI.dtype)
    device = device_of(x_TD)
    return through_experts(
        x_TD, _weights(gate_up_EJD, gate_up_scales_EJ, device),
        _weights(down_EDI, down_scales_ED, device), weights_TK, experts_TK,
        batch_invariant=batch_invariant,
    )  # fmt: skip


def _weights(codes_EOI: torch.Tensor, scales_EO: torch.Tensor, device: Device) -> ExpertWeights:
    return ExpertWeights(
        stored_EOW=as_bits(codes_EOI), num_inputs=codes_EOI.shape[2], step=_STEP,
        fold=fold_on(device), output_scales_EO=scales_EO, rounded=_rounded,
    )  # fmt: skip


def _rounded(x_NI: torch.Tensor) -> Activations:
    codes_NI, scales_N = quantize_rows_e4m3(x_NI)
    return Activations(as_bits(codes_NI), scales_N)
