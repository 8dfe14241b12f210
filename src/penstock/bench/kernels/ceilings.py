"""What the device can do at best, measured where the kernels are. Knows no kernel of ours.

memory       the faster of copying a tensor and of adding one up
arithmetic   a large matrix product of torch's
launch       writing one number: no op takes less
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from penstock.bench.kernels.clocks import Clock
from penstock.bench.spread import percentile

_LARGE, _SHARE_OF_FREE = 1 << 30, 8
_SIDES = (8192, 4096, 2048)


@dataclass(frozen=True, slots=True)
class Ceilings:
    """Bytes and operations a second, and seconds; medians."""

    copy_bytes: float
    read_bytes: float
    operations: float
    launch_s: float

    @property
    def memory_bytes(self) -> float:
        return max(self.copy_bytes, self.read_bytes)


def measure_ceilings(clock: Clock, device: torch.device, dtype: torch.dtype) -> Ceilings:
    free, _ = torch.cuda.mem_get_info(device)
    size = min(_LARGE, free // _SHARE_OF_FREE)
    one = torch.zeros(1, device=device)
    return Ceilings(
        *_bandwidths(clock, size, device),
        _arithmetic(clock, _side(free), device, dtype),
        _median(clock, one.zero_),
    )


def _bandwidths(clock: Clock, size: int, device: torch.device) -> tuple[float, float]:
    """Of copying, read and written both counted; of reading."""
    source = torch.zeros(size // 4, dtype=torch.float32, device=device)
    target = torch.empty_like(source)
    copied = _median(clock, lambda: target.copy_(source))
    return 2 * source.nbytes / copied, source.nbytes / _median(clock, source.sum)


def _side(free: int) -> int:
    return next(side for side in _SIDES if 3 * 2 * side**2 < free or side == _SIDES[-1])


def _arithmetic(clock: Clock, side: int, device: torch.device, dtype: torch.dtype) -> float:
    a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    product = torch.empty_like(a)
    return 2 * side**3 / _median(clock, lambda: torch.mm(a, b, out=product))


def _median(clock: Clock, run: Callable[[], object]) -> float:
    return percentile(sorted(clock.seconds(run)), 50)
