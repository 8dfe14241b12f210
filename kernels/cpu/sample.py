"""One token for each row of logits. See `source/sample.cpp`; the oracle is `workers.sampler.ops.TorchSampling`.

R rows, V vocabulary.
"""

import ctypes
from weakref import finalize

import numpy as np
import numpy.typing as npt
import torch

from penstock.kernels.cpu.library import Library
from penstock.kernels.cpu.program import Team
from penstock.kernels.draws import DRAW, Draws

_POINTER, _INT = ctypes.c_void_p, ctypes.c_int64


class NativeSampling:
    """Keeps its threads' scratch memory between calls. One call at a time, as its team has it."""

    def __init__(self, library: Library, team: Team) -> None:
        self._team = team  # outlives the sampler
        self._handle = ctypes.c_void_p(library.call("sampler_new", ctypes.c_void_p(team.handle)))
        self._sample = library.function("sample")
        finalize(self, library.call, "sampler_delete", self._handle)

    def choose(self, logits_RV: torch.Tensor, draws_R: Draws) -> npt.NDArray[np.int64]:
        """The ids, [R]. Logits are float32 with contiguous rows; a row's answer depends on nothing else.

        A NaN counts as -inf. A row with +inf takes its first one, and a row without any number id 0.
        """
        num_rows, size = logits_RV.shape
        assert logits_RV.dtype == torch.float32, logits_RV.dtype
        assert logits_RV.device.type == "cpu", logits_RV.device
        assert logits_RV.stride(1) == 1, logits_RV.stride()
        assert draws_R.dtype == DRAW, draws_R.dtype
        assert draws_R.shape == (num_rows,), draws_R.shape
        assert draws_R.flags.c_contiguous
        ids_R = np.empty(num_rows, dtype=np.int64)
        self._sample(
            self._handle, _POINTER(logits_RV.data_ptr()), _INT(logits_RV.stride(0)), _INT(size),
            _POINTER(draws_R.ctypes.data), _INT(num_rows), _POINTER(ids_R.ctypes.data),
        )  # fmt: skip
        return ids_R
