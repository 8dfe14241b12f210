"""Kernels that do nothing but convert to and from e4m3. For tests that run where Triton does."""

import triton
import triton.language as tl

from penstock.kernels.triton.e4m3 import from_e4m3, to_e4m3


@triton.jit
def decode(codes_ptr, out_ptr, SIZE: tl.constexpr):
    places = tl.arange(0, SIZE)
    codes = tl.load(codes_ptr + places)
    tl.store(out_ptr + places, from_e4m3(codes, out_ptr.dtype.element_ty))


@triton.jit
def encode(x_ptr, codes_ptr, SIZE: tl.constexpr):
    places = tl.arange(0, SIZE)
    tl.store(codes_ptr + places, to_e4m3(tl.load(x_ptr + places)))
