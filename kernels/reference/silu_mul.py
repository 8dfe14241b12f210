"""The gate of the MLP: silu of the first half times the second. Knows no weights.

Legend: T tokens, F MLP width.
"""

import torch
import torch.nn.functional as F


def silu_mul(gate_up_T2F: torch.Tensor) -> torch.Tensor:
    assert gate_up_T2F.shape[-1] % 2 == 0, gate_up_T2F.shape
    gate_TF, up_TF = gate_up_T2F.chunk(2, dim=-1)
    return F.silu(gate_TF) * up_TF
