"""Adds a layer's output to the residual and norms the sum; see `reference.add_rms_norm`. Knows no layers.

Legend: T tokens, D hidden.
"""

import torch
import triton
import triton.language as tl

from penstock.kernels.triton.rms_norm import norm_shape, normed


def add_rms_norm(
    x_TD: torch.Tensor, residual_TD: torch.Tensor, weight_D: torch.Tensor, eps: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """One pass: both are read once, the normed sum and the sum written once."""
    assert x_TD.shape == residual_TD.shape, (x_TD.shape, residual_TD.shape)
    assert x_TD.dtype == residual_TD.dtype == weight_D.dtype, (x_TD.dtype, residual_TD.dtype)
    assert x_TD.is_contiguous()
    assert residual_TD.is_contiguous()
    out_TD, sum_TD = torch.empty_like(x_TD), torch.empty_like(x_TD)
    num_rows, size = x_TD.shape
    shape = norm_shape(size)
    _add_rms_norm_kernel[(triton.cdiv(num_rows, shape["ROWS"]),)](
        x_TD, residual_TD, weight_D, out_TD, sum_TD, num_rows, eps, size, **shape
    )
    return out_TD, sum_TD


@triton.jit
def _add_rms_norm_kernel(
    x_ptr, residual_ptr, weight_ptr, out_ptr, sum_ptr, num_rows, eps, size,
    ROWS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    rows = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    columns = tl.arange(0, BLOCK)
    mask = (rows < num_rows)[:, None] & (columns < size)[None, :]
    places = rows[:, None] * size + columns[None, :]
    x = tl.load(x_ptr + places, mask=mask, other=0.0).to(tl.float32)
    residual = tl.load(residual_ptr + places, mask=mask, other=0.0).to(tl.float32)
    both = (x + residual).to(sum_ptr.dtype.element_ty)
    tl.store(sum_ptr + places, both, mask=mask)
    out = normed(both.to(tl.float32), weight_ptr, columns, eps, size, out_ptr.dtype.element_ty)
    tl.store(out_ptr + places, out.to(out_ptr.dtype.element_ty), mask=mask)
