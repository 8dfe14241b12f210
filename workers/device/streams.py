"""Which stream a kind of device has. Knows nothing else."""

import torch

from penstock.workers.device.cuda import CudaStream
from penstock.workers.device.inline import INLINE
from penstock.workers.device.stream import Stream


def stream_on(device: torch.device) -> Stream:
    return CudaStream(device) if device.type == "cuda" else INLINE
