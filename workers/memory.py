"""How much memory a rank gives to the KV cache. Knows devices, not blocks."""

import torch

from penstock.workers.host_memory import host_memory, share


def kv_bytes_available(
    wanted: int | None, utilization: float, device: torch.device, num_ranks: int
) -> int:
    """`wanted` wins; else a share of the device's memory, after the weights were loaded.

    A GPU is a rank's own; a host's memory is shared by all `num_ranks`.
    """
    if wanted is not None:
        return wanted
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return max(0, int(total * utilization) - (total - free))
    return share(host_memory(), utilization) // num_ranks
