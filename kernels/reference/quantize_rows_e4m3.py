"""Rows of numbers as e4m3 with a scale for each. Knows no layers.

Legend: T rows, I numbers of each.
"""

import torch

from penstock.kernels.reference.kv_codes import FP8

LARGEST = torch.finfo(FP8).max
LEAST_SCALE = 2.0**-126


def quantize_rows_e4m3(x_TI: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Codes [T, I], the largest of each row at the largest code, and scales, float32 [T].

    A row with a number that is not finite has NaN for a scale, and any codes.
    """
    values_TI = x_TI.float()
    scales_T = (values_TI.abs().amax(dim=1) / LARGEST).clamp(min=LEAST_SCALE)
    codes_TI = (values_TI / scales_T.unsqueeze(1)).clamp(-LARGEST, LARGEST).to(FP8)
    return codes_TI, scales_T + (values_TI * 0).sum(dim=1)
