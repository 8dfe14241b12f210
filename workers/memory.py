"""How much memory a rank gives to the KV cache and to swap space. Knows devices, not blocks.

What a step takes comes and goes, so on a GPU it is measured and left free. Graphs and the swapper's staging are made
once the cache is there, and stay. On a host half of what is free stays for steps.
"""

from collections.abc import Callable
from typing import Protocol

import torch

from penstock.workers.gpu_share import Budget, divided
from penstock.workers.host_memory import Memory, host_memory, share, swap_share


class DeviceMemory(Protocol):
    """A device that can be asked."""

    def now(self) -> Memory:
        """What is free once nothing idle is held back."""
        ...

    def peak_of(self, work: Callable[[], None]) -> int:
        """Bytes that `work` took at its most, beyond what was held before."""
        ...


class CudaMemory:
    """As the driver and torch's allocator tell it."""

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def now(self) -> Memory:
        """See `DeviceMemory`."""
        torch.cuda.synchronize(self._device)
        torch.cuda.empty_cache()
        free, total = torch.cuda.mem_get_info(self._device)
        return Memory(total, free)

    def peak_of(self, work: Callable[[], None]) -> int:
        """What torch reserved, which is what others can no longer have: tensors, and the gaps between them."""
        torch.cuda.synchronize(self._device)
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(self._device)
        before = torch.cuda.memory_reserved(self._device)
        work()
        torch.cuda.synchronize(self._device)
        return torch.cuda.max_memory_reserved(self._device) - before


class Steps(Protocol):
    """The largest of either kind."""

    def prompt(self) -> None: ...

    def decode(self) -> None: ...


def budget(
    device: DeviceMemory, utilization: float, steps: Steps, graphs: Callable[[int], int],
    staging: int,
) -> Budget:  # fmt: skip
    """Runs the steps first: whatever they load and keep is then among what is taken.

    `graphs` is what they may take, by what the largest step of theirs does.
    """
    prompt, decode = device.peak_of(steps.prompt), device.peak_of(steps.decode)
    return divided(
        device.now(), utilization,
        step=max(prompt, decode), graphs=graphs(decode), staging=staging,
    )  # fmt: skip


def kv_bytes_on_host(utilization: float, num_ranks: int) -> int:
    """A share of RAM, after the weights were loaded; all ranks of the host have the same."""
    return share(host_memory(), utilization) // num_ranks


def swap_bytes_available(kv_bytes: int, device: torch.device, num_ranks: int) -> int:
    """Of a rank's part of the host's memory, in which the KV cache of a CPU lies too."""
    cache = kv_bytes if device.type == "cpu" else 0
    return swap_share(host_memory().free // num_ranks, cache)
