"""What a launch must know of the device it runs on. Knows no op."""

from dataclasses import dataclass
from functools import cache

import torch
from triton.runtime import driver


@dataclass(frozen=True, slots=True)
class Device:
    """`shared_bytes` is what one program may take; `multiplies_e4m3` whether its matrix units know fp8."""

    num_sms: int
    shared_bytes: int
    multiplies_e4m3: bool


INTERPRETED = Device(num_sms=4, shared_bytes=99 * 1024, multiplies_e4m3=False)
_FIRST_WITH_E4M3 = (8, 9)


def device_of(x: torch.Tensor) -> Device:
    """A CPU tensor can only be meant for the interpreter."""
    return INTERPRETED if x.device.type == "cpu" else _read(x.device)


@cache
def _read(device: torch.device) -> Device:
    found = torch.cuda.get_device_properties(device)
    index = torch.cuda.current_device() if device.index is None else device.index
    return Device(
        num_sms=found.multi_processor_count,
        shared_bytes=driver.active.utils.get_device_properties(index)["max_shared_mem"],
        multiplies_e4m3=(found.major, found.minor) >= _FIRST_WITH_E4M3,
    )
