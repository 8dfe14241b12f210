"""Turns the rows of a plan into a step, in C. See `source/slots.cpp`. Knows arrays of slots, not plans.

S slots, L places of a slot, B blocks of a slot, T tokens of a step, R rows, N rows that sample.
"""

import ctypes
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from penstock.kernels.cpu.library import Library
from penstock.kernels.cpu.program import CStep, Int32s

Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SlotArrays:
    """Where the sequences are kept; the arrays must stay where they are."""

    tokens_SL: Int32s
    blocks_SB: Int32s
    num_computed_S: Int64s
    block_size: int


class _CSlots(ctypes.Structure):
    _fields_ = (
        ("tokens", ctypes.c_void_p),
        ("tokens_stride", ctypes.c_int64),
        ("blocks", ctypes.c_void_p),
        ("blocks_stride", ctypes.c_int64),
        ("num_computed", ctypes.c_void_p),
        ("block_size", ctypes.c_int64),
    )


class _CArrays(ctypes.Structure):
    _fields_ = (
        ("token_ids", ctypes.c_void_p),
        ("positions", ctypes.c_void_p),
        ("token_rows", ctypes.c_void_p),
        ("first_tokens", ctypes.c_void_p),
        ("query_lens", ctypes.c_void_p),
        ("context_lens", ctypes.c_void_p),
        ("block_tables", ctypes.c_void_p),
        ("sample_tokens", ctypes.c_void_p),
        ("max_tokens", ctypes.c_int64),
    )


class StepFiller:
    """Owns the arrays of one step, large enough for any."""

    def __init__(self, library: Library, slots: SlotArrays, num_tokens: int) -> None:
        self._fill = library.function("step_fill")
        num_slots, num_blocks = slots.blocks_SB.shape
        sizes = (*[num_tokens] * 3, *[num_slots] * 3, num_slots * num_blocks, num_slots)
        self._alive = slots
        self._arrays = [np.zeros(size, dtype=np.int32) for size in sizes]
        self._slots = _CSlots(
            slots.tokens_SL.ctypes.data, slots.tokens_SL.shape[1],
            slots.blocks_SB.ctypes.data, num_blocks,
            slots.num_computed_S.ctypes.data, slots.block_size,
        )  # fmt: skip
        self._places = _CArrays(*(array.ctypes.data for array in self._arrays), num_tokens)
        self._step = CStep()
        self._fixed = (ctypes.byref(self._slots), ctypes.byref(self._places))

    def fill(self, slots_R: Int64s, counts_R: Int64s, samples_N: Int64s) -> CStep:
        """The next `counts_R[r]` tokens of each slot. Valid until the next call."""
        assert len(samples_N) <= len(slots_R) == len(counts_R)
        num_tokens = self._fill(
            *self._fixed, _at(slots_R), _at(counts_R), ctypes.c_int64(len(slots_R)),
            _at(samples_N), ctypes.c_int64(len(samples_N)), ctypes.byref(self._step),
        )  # fmt: skip
        assert num_tokens >= 0, "more tokens than a step may have"
        return self._step


def _at(array: Int64s) -> ctypes.c_void_p:
    assert array.dtype == np.int64
    return ctypes.c_void_p(array.ctypes.data)
