"""How keys and values are written in a cache of fewer bits, and read back. Knows numbers, not slots.

A cache in the tensors' own dtype holds them as they are. One in e4m3 holds each divided by its tensor's scale,
rounded to nearest, what is too large to the largest code.
"""

import torch

FP8 = torch.float8_e4m3fn


def to_cache(x: torch.Tensor, dtype: torch.dtype, scale: float) -> torch.Tensor:
    if x.dtype == dtype:
        assert scale == 1, scale
        return x
    assert dtype == FP8, dtype
    largest = torch.finfo(dtype).max
    return (x.float() / scale).clamp(-largest, largest).to(dtype)


def from_cache(x: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Still to be multiplied by the scale, since attention can do that to fewer numbers."""
    return x if x.dtype == dtype else x.to(dtype)


def as_bits(cache_SGD: torch.Tensor) -> torch.Tensor:
    """torch moves no numbers of 8 bits by index, and bytes as well as any."""
    return cache_SGD.view(torch.uint8) if cache_SGD.dtype == FP8 else cache_SGD
