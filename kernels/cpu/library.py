"""The built library, loaded. Knows how C is called, not what is computed.

Every operation of the library is a C function that returns an `Op`, which a `Program` then owns. Pointers go
in as tensors: `call` passes their address and whoever adds the operation keeps them alive.
"""

import ctypes
from collections.abc import Callable
from pathlib import Path

import torch

from penstock.kernels.cpu.compiler import build

DTYPE_NAMES = {torch.bfloat16: "bf16", torch.float32: "f32"}
"""The dtypes a model may be in; the suffix of the functions that are made for each."""

Argument = torch.Tensor | int | float | ctypes.c_void_p | None


class Library:
    """One shared object. Loading it twice gives the same functions."""

    def __init__(self, path: Path) -> None:
        self._functions = ctypes.CDLL(str(path))
        self._functions.penstock_program_run.restype = None

    def call(self, name: str, *arguments: Argument) -> int:
        """`penstock_<name>`: integers pass as int64, floats as float, tensors and None as pointers."""
        function = self._functions[f"penstock_{name}"]
        function.restype = ctypes.c_void_p
        return function(*(_passed(argument) for argument in arguments)) or 0

    def function(self, name: str) -> Callable[..., int]:
        """`penstock_<name>` itself, for calls of every step; the caller passes C types."""
        function = self._functions[f"penstock_{name}"]
        function.restype = ctypes.c_int64
        return function

    def run(self, program: int, team: int, step: ctypes.Structure) -> None:
        """The one call of every step; other Python threads go on meanwhile."""
        self._functions.penstock_program_run(
            ctypes.c_void_p(program), ctypes.c_void_p(team), ctypes.byref(step)
        )


def load_library() -> Library:
    """Builds it first where that is needed. Raises CompileError."""
    return Library(build())


def _passed(argument: Argument) -> ctypes.c_void_p | ctypes.c_int64 | ctypes.c_float:
    if argument is None or isinstance(argument, ctypes.c_void_p):
        return argument or ctypes.c_void_p(None)
    if isinstance(argument, torch.Tensor):
        assert argument.device.type == "cpu", argument.device
        assert argument.is_contiguous(), argument.stride()
        return ctypes.c_void_p(argument.data_ptr())
    return ctypes.c_float(argument) if isinstance(argument, float) else ctypes.c_int64(argument)
