"""Numbers of eight bits, e4m3 without infinities, by integer operations. Knows no tensors in memory.

    e4m3   s eeee mmm              bias 7
    fp16   s eeeee mmmmmmmmmm      bias 15: the same bits moved left by 7 are the number over 2^8

GPUs before Ada have no instruction for either way; this is what they all have, and it is exact.
"""

import triton
import triton.language as tl


@triton.jit
def from_e4m3(codes, DTYPE: tl.constexpr):
    """uint8 codes as numbers of `DTYPE`, which holds each of them exactly."""
    bits = codes.to(tl.uint16)
    magnitude = bits & 0x7F
    half = ((bits & 0x80) << 8) | (magnitude << 7)
    value = half.to(tl.float16, bitcast=True).to(tl.float32) * 256.0
    return tl.where(magnitude == 0x7F, float("nan"), value).to(DTYPE)


@triton.jit
def to_e4m3(x):
    """float32 to uint8 codes: to the nearest, ties to even, what is too large to the largest."""
    sign = (x.to(tl.uint32, bitcast=True) >> 24) & 0x80
    magnitude = tl.minimum(tl.abs(x), 448.0)
    # Below 2^-6 codes count steps of 2^-9; adding 1.5 * 2^23 rounds to whole ones.
    small = (magnitude * 512.0 + 12582912.0).to(tl.uint32, bitcast=True) & 0xF
    bits = magnitude.to(tl.uint32, bitcast=True)
    normal = ((bits + 0x7FFFF + ((bits >> 20) & 1)) >> 20) - (120 << 3)
    code = tl.where(magnitude < 0.015625, small, normal)
    return (tl.where(x == x, code, 0x7F) | sign).to(tl.uint8)


@triton.jit
def finite_from_e4m3(codes):
    """uint8 codes that are no NaN as float16: fewer steps than `from_e4m3`, for products."""
    bits = codes.to(tl.uint16)
    half = ((bits & 0x80) << 8) | ((bits & 0x7F) << 7)
    return half.to(tl.float16, bitcast=True) * 256.0
