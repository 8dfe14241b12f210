"""Which device a rank computes on. Knows what torch finds, nothing of what is computed."""

import torch

from penstock.protocol.settings.worker import Device


def own_device(rank: int, asked: Device = "auto") -> torch.device:
    """A GPU of its own for each rank of a host, while there are any."""
    if asked == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    device = torch.device("cuda", rank % torch.cuda.device_count())
    torch.cuda.set_device(device)
    return device
