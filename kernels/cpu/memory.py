"""Memory for weights, activations and the cache. Knows sizes, not what lies there.

Zeros of the system, claimed page by page as they are touched, and in huge pages where it has them: weights are
read from end to end, and small pages would stop the processor's prefetching every 4 KiB.
"""

import contextlib
import math
import mmap

import torch


def zeros(shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    """Aligned to a page; an empty shape still has an address."""
    count = math.prod(shape)
    memory = mmap.mmap(
        -1, max(1, count) * dtype.itemsize, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    )
    with contextlib.suppress(OSError):  # a kernel without huge pages is only slower
        memory.madvise(mmap.MADV_HUGEPAGE)
    return torch.frombuffer(memory, dtype=dtype, count=max(1, count))[:count].view(shape)
