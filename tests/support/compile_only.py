"""Compiles Triton kernels for a GPU that is not there, in place of launching them. Knows no kernel.

For a process of its own: afterwards nothing can be launched in it.
"""

import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import triton
from triton.backends.compiler import GPUTarget
from triton.runtime.driver import driver
from triton.runtime.jit import JITFunction

from penstock.kernels.triton import device


@dataclass(frozen=True, slots=True)
class Gpu:
    """`capability` as 90 for 9.0."""

    name: str
    capability: int
    shared_bytes: int
    num_sms: int = 132


GPUS = {
    "A100": Gpu("A100", 80, 163 * 1024, 108),
    "L4": Gpu("L4", 89, 99 * 1024, 58),
    "H100": Gpu("H100", 90, 227 * 1024),
    "B200": Gpu("B200", 100, 227 * 1024, 148),
}


@dataclass(frozen=True, slots=True)
class Compiled:
    """What the assembler says of one kernel."""

    name: str
    shared_bytes: int
    registers: int
    stack_bytes: int
    """What does not fit the registers, or is indexed at run time."""
    seconds: float


class _Absent:
    """What the compiler asks of a driver."""

    def __init__(self, gpu: Gpu) -> None:
        self._gpu = gpu

    def get_current_target(self) -> GPUTarget:
        return GPUTarget("cuda", self._gpu.capability, 32)

    def get_current_device(self) -> int:
        return 0

    def get_current_stream(self, _device: int) -> int:
        return 0


@contextmanager
def compiling_for(gpu: Gpu) -> Iterator[list[Compiled]]:
    """Every launch within adds to the list; tensors may lie on the CPU."""
    compiled: list[Compiled] = []

    def compile_only(self: JITFunction, grid: Any) -> Any:
        def launch(*args: Any, **kwargs: Any) -> None:
            started = time.perf_counter()
            kernel = self.run(*args, grid=grid, warmup=True, **kwargs)
            compiled.append(_described(kernel, time.perf_counter() - started))

        return launch

    driver.set_active(_Absent(gpu))
    JITFunction.__getitem__ = compile_only
    device.INTERPRETED = device.Device(gpu.num_sms, gpu.shared_bytes, gpu.capability >= 89)
    yield compiled


def _described(kernel: Any, seconds: float) -> Compiled:
    registers, stack = _resources(kernel.asm["cubin"])
    return Compiled(kernel.metadata.name, kernel.metadata.shared, registers, stack, seconds)


def _resources(cubin: bytes) -> tuple[int, int]:
    tool = Path(triton.__file__).parent / "backends/nvidia/bin/cuobjdump"
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        told = subprocess.run(
            [tool, "-res-usage", file.name], check=True, capture_output=True, text=True
        ).stdout
    [found] = re.findall(r"REG:(\d+) STACK:(\d+)", told)
    return int(found[0]), int(found[1])
