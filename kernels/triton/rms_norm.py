"""Root-mean-square norm; see `reference.rms_norm`. Knows no layers.

A program takes as many rows as fill it, so that the norms of heads do not start a program for 128 numbers each.
Legend: ... any leading dimensions, D normalized dimension.
"""

import torch
import triton
import triton.language as tl

_PROGRAM_SIZE = 1024


def rms_norm(x_D: torch.Tensor, weight_D: torch.Tensor, eps: float) -> torch.Tensor:
    """Rows may lie apart, as the heads within a fused qkv do; the result is contiguous."""
    assert weight_D.shape == x_D.shape[-1:], (weight_D.shape, x_D.shape)
    assert weight_D.dtype == x_D.dtype, (weight_D.dtype, x_D.dtype)
    out_D = torch.empty(x_D.shape, dtype=x_D.dtype, device=x_D.device)
    rows = x_D if x_D.dim() == 3 else x_D.reshape(-1, 1, x_D.shape[-1])
    assert rows.stride(2) == 1, rows.stride()
    num_outer, num_inner, size = rows.shape
    num_rows, shape = num_outer * num_inner, norm_shape(size)
    _rms_norm_kernel[(triton.cdiv(num_rows, shape["ROWS"]),)](
        rows, weight_D, out_D, rows.stride(0), rows.stride(1), num_inner, num_rows, eps, size, **shape
    )  # fmt: skip
    return out_D


def norm_shape(size: int) -> dict[str, int]:
    """By the width alone: a row's sum must not depend on how many rows there are."""
    block = triton.next_power_of_2(size)
    rows = max(1, _PROGRAM_SIZE // block)
    return {"ROWS": rows, "BLOCK": block, "num_warps": min(16, max(4, block // 1024))}


@triton.jit
def normed(x, weight_ptr, columns, eps, size, DTYPE: tl.constexpr):
    """float32 rows [ROWS, BLOCK], zero beyond their size, to float32 that was rounded as the oracle's is."""
    mean = tl.sum(x * x, axis=1) / size
    rounded = (x * tl.rsqrt(mean + eps)[:, None]).to(DTYPE).to(tl.float32)
    weight = tl.load(weight_ptr + columns, mask=columns < size, other=0.0)
    return rounded * weight.to(tl.float32)[None, :]


@triton.jit
def _rms_norm_kernel(
    x_ptr, weight_ptr, out_ptr, outer_stride, inner_stride, num_inner, num_rows, eps, size,
    ROWS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    rows = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    columns = tl.arange(0, BLOCK)
    mask = (rows < num_rows)[:, None] & (columns < size)[None, :]
    sources = rows // num_inner * outer_stride + rows % num_inner * inner_stride
    x = tl.load(x_ptr + sources[:, None] + columns[None, :], mask=mask, other=0.0)
    out = normed(x.to(tl.float32), weight_ptr, columns, eps, size, out_ptr.dtype.element_ty)
    places = rows[:, None] * size + columns[None, :]
    tl.store(out_ptr + places, out.to(out_ptr.dtype.element_ty), mask=mask)
