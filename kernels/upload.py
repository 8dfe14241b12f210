"""Small arrays of the host on their way to where tensors lie. Knows no ops."""

import numpy as np
import torch


def upload(array: np.ndarray, device: torch.device) -> torch.Tensor:
    """On a GPU through pinned memory, which torch keeps until the copy is done: the host does not wait.

    On a CPU it is the array's own memory, where that is contiguous.
    """
    host = torch.from_numpy(np.ascontiguousarray(array))
    if device.type == "cpu":
        return host
    return host.pin_memory().to(device, non_blocking=True)
