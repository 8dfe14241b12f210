"""Programs: the operations of a forward pass in order, run by a team of threads. Knows no operation.

A program is made once, over buffers that hold the largest step, and then run for each step: one call, in
which the threads stay awake. T tokens of a step, R rows, B blocks of the longest row.
"""

import ctypes
import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from weakref import finalize

import numpy as np
import numpy.typing as npt

from penstock.kernels.cpu.library import Argument, Library

Int32s = npt.NDArray[np.int32]


class Extent(enum.IntEnum):
    """Which rows of its buffers an operation works on."""

    TOKENS = 0
    SAMPLES = 1


@dataclass(frozen=True, slots=True)
class Step:
    """The rows of one step, all int32 and contiguous. See `source/op.hpp`."""

    token_ids_T: Int32s
    positions_T: Int32s
    query_lens_R: Int32s
    context_lens_R: Int32s
    """This step's tokens included."""
    block_tables_RB: Int32s
    sample_tokens_N: Int32s = field(default_factory=lambda: np.empty(0, dtype=np.int32))
    """The tokens whose logits are wanted."""


class CStep(ctypes.Structure):
    """`Step` of `source/op.hpp`."""

    _fields_ = (
        ("num_tokens", ctypes.c_int64),
        ("num_rows", ctypes.c_int64),
        ("table_stride", ctypes.c_int64),
        ("token_ids", ctypes.c_void_p),
        ("positions", ctypes.c_void_p),
        ("token_rows", ctypes.c_void_p),
        ("first_tokens", ctypes.c_void_p),
        ("query_lens", ctypes.c_void_p),
        ("context_lens", ctypes.c_void_p),
        ("block_tables", ctypes.c_void_p),
        ("num_samples", ctypes.c_int64),
        ("sample_tokens", ctypes.c_void_p),
        ("is_short", ctypes.c_int64),
    )


class Team:
    """Threads that sleep between programs. The caller of `run` is the first of them."""

    def __init__(self, library: Library, cpus: Sequence[int]) -> None:
        """One more thread for each of `cpus`, bound to it unless it is -1."""
        self.size = len(cpus) + 1
        places = np.array(cpus, dtype=np.int32)
        self.handle = library.call("team_new", _pointer(places), len(cpus))
        finalize(self, library.call, "team_delete", ctypes.c_void_p(self.handle))


class Program:
    """Operations in the order they were added."""

    def __init__(self, library: Library, team: Team) -> None:
        self.library = library
        self._team = team
        self._alive: list[Argument] = []
        self._handle = library.call("program_new")
        finalize(self, library.call, "program_delete", ctypes.c_void_p(self._handle))

    def add(self, name: str, *arguments: Argument) -> None:
        """Appends the operation that `penstock_<name>` makes; its tensors live as long as the program."""
        op = self.library.call(name, *arguments)
        self._alive += arguments
        self.library.call("program_add", ctypes.c_void_p(self._handle), ctypes.c_void_p(op))

    def run(self, step: Step) -> None:
        """Returns when the last operation is done."""
        lens_R = step.query_lens_R
        first_tokens_R = (np.cumsum(lens_R, dtype=np.int32) - lens_R).astype(np.int32)
        token_rows_T = np.repeat(np.arange(len(lens_R), dtype=np.int32), lens_R)
        arrays = (
            step.token_ids_T, step.positions_T, token_rows_T, first_tokens_R, lens_R,
            step.context_lens_R, step.block_tables_RB,
        )  # fmt: skip
        sizes = (len(token_rows_T), len(lens_R), step.block_tables_RB.shape[1])
        samples = (len(step.sample_tokens_N), _pointer(step.sample_tokens_N))
        self.run_filled(CStep(*sizes, *map(_pointer, arrays), *samples))

    def run_filled(self, step: CStep) -> None:
        """For a step that is laid out as C sees it."""
        self.library.run(self._handle, self._team.handle, step)


def _pointer(array: Int32s) -> ctypes.c_void_p:
    assert array.dtype == np.int32, array.dtype
    assert array.flags.c_contiguous
    return ctypes.c_void_p(array.ctypes.data)
