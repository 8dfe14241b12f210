"""What one core of this machine can do at most, measured now: a share of it means more than a figure alone."""

import ctypes
import subprocess
import tempfile
from pathlib import Path

import torch

from penstock.kernels.cpu.compiler import FLAGS, SOURCE, find_compiler
from penstock.kernels.cpu.memory import zeros

ROUNDS = 4_000_000
READ_FLOATS = 64 << 20


class MachinePeak:
    """Best of a few measurements; a busy neighbour makes it smaller."""

    def __init__(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/peak.so"
            source = str(Path(__file__).with_name("machine_peak.cpp"))
            command = [find_compiler(), *FLAGS, f"-I{SOURCE}", "-shared", source, "-o", path]
            subprocess.run(command, check=True)
            functions = ctypes.CDLL(path)
        functions.peak_gflops.restype = functions.read_gbs.restype = ctypes.c_double
        self._functions = functions

    def gflops(self) -> float:
        return max(self._functions.peak_gflops(ctypes.c_int64(ROUNDS)) for _ in range(5))

    def read_gbs(self) -> float:
        memory = zeros((READ_FLOATS,), torch.float32).fill_(1)
        arguments = ctypes.c_void_p(memory.data_ptr()), ctypes.c_int64(READ_FLOATS)
        return max(self._functions.read_gbs(*arguments) for _ in range(5))
