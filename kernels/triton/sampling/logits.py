"""How a row of logits is read: as numbers, as keys that order like them, as weights. Knows no draws.

    value    NaN reads as -inf, and so does what lies beyond the vocabulary
    key      int64 within 32 bits; larger for larger values, equal for equal ones
    weight   exp((value - best) / temperature), as a whole number of 2^-44

Whole numbers add up to the same sum in whatever order: so no answer depends on how the work was shared out, and
the sum of a block is exactly that of its entries. A vocabulary of 2^18 stays below 2^62.
"""

import triton
import triton.language as tl

BLOCK: tl.constexpr = tl.constexpr(128)
"""Entries whose maximum, and whose sum, is known."""
ONE: tl.constexpr = tl.constexpr(17592186044416.0)
"""The weight of the best, 2^44."""
WEIGHTLESS: tl.constexpr = tl.constexpr(31.0)
"""e^-31 is below 2^-44."""
MOST_INVERSE: tl.constexpr = tl.constexpr(1e30)
LOWEST_KEY: tl.constexpr = tl.constexpr(-2139095041)
"""Of -inf."""
NO_KEY: tl.constexpr = tl.constexpr(-(1 << 40))
"""Of no value at all."""


@triton.jit
def numbers(values):
    return tl.where(values == values, values, float("-inf"))


@triton.jit
def read(row_ptr, ids, size):
    """The values of a row's entries."""
    return numbers(tl.load(row_ptr + ids, mask=ids < size, other=float("-inf")))


@triton.jit
def key_of(value):
    bits = tl.where(value == 0.0, 0.0, value).to(tl.int32, bitcast=True)  # both zeros are equal
    return tl.where(bits < 0, bits ^ 0x7FFFFFFF, bits).to(tl.int64)


@triton.jit
def value_of(key):
    bits = key.to(tl.int32)
    return tl.where(bits < 0, bits ^ 0x7FFFFFFF, bits).to(tl.float32, bitcast=True)


@triton.jit
def inverse_of(temperature):
    """float64 to float32, such that no product with a difference of logits is NaN."""
    inverse = 1.0 / tl.maximum(temperature, 1e-30)
    return tl.minimum(tl.maximum(inverse, 1e-30), MOST_INVERSE).to(tl.float32)


@triton.jit
def weight_of(value, best, inverse, least):
    """Zero for what weighs less than `least` of the best."""
    share = tl.exp((value - best) * inverse)
    return tl.where(share >= least, share * ONE, 0.0).to(tl.int64)


@triton.jit
def is_number(value):
    return (value > float("-inf")) & (value < float("inf"))
