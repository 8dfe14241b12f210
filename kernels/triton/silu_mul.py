"""silu of the first half times the second; see `reference.silu_mul`. Knows no weights.

Legend: T tokens, F MLP width.
"""

import torch
import triton
import triton.language as tl

_BLOCK = 2048


def silu_mul(gate_up_T2F: torch.Tensor) -> torch.Tensor:
    assert gate_up_T2F.shape[-1] % 2 == 0, gate_up_T2F.shape
    assert gate_up_T2F.is_contiguous()
    width = gate_up_T2F.shape[-1] // 2
    shape = (*gate_up_T2F.shape[:-1], width)
    out_TF = torch.empty(shape, dtype=gate_up_T2F.dtype, device=gate_up_T2F.device)
    block = min(_BLOCK, triton.next_power_of_2(width))
    grid = (out_TF.numel() // width, triton.cdiv(width, block))
    _silu_mul_kernel[grid](gate_up_T2F, out_TF, width, BLOCK=block, num_warps=8)
    return out_TF


@triton.jit
def _silu_mul_kernel(gate_up_ptr, out_ptr, width, BLOCK: tl.constexpr):
    token = tl.program_id(0).to(tl.int64)
    columns = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    mask = columns < width
    gate_ptr = gate_up_ptr + token * 2 * width
    gate = tl.load(gate_ptr + columns, mask=mask, other=0.0).to(tl.float32)
    up = tl.load(gate_ptr + width + columns, mask=mask, other=0.0).to(tl.float32)
    dtype = out_ptr.dtype.element_ty
    silu = (gate * tl.sigmoid(gate)).to(dtype).to(tl.float32)
    tl.store(out_ptr + token * width + columns, (silu * up).to(dtype), mask=mask)
