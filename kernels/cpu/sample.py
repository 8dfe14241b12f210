"""Sampling on CPUs: tokens, penalties, masks, log probabilities. Knows logits and records, not slots or requests.

See `sample`, `penalise` and `logprobs` in `source/`; the oracle is `workers.sampler.ops.TorchSampling`.

R rows, V vocabulary, S slots, L places of a slot's history, N rows that are named, W columns.
"""

import ctypes
from weakref import finalize

import numpy as np
import numpy.typing as npt
import torch

from penstock.kernels.cpu.library import Library
from penstock.kernels.cpu.program import Team
from penstock.kernels.draws import DRAW, Draws
from penstock.kernels.penalties import PENALTY, Penalties

Ints = npt.NDArray[np.int64]
_POINTER, _INT = ctypes.c_void_p, ctypes.c_int64


class NativeSampling:
    """Keeps its threads' scratch memory between calls. One call at a time, as its team has it."""

    def __init__(self, library: Library, team: Team) -> None:
        self._team = team  # outlives the sampler
        self._handle = ctypes.c_void_p(library.call("sampler_new", ctypes.c_void_p(team.handle)))
        self._sample = library.function("sample")
        self._penalise = library.function("penalise")
        self._sample_among = library.function("sample_among")
        self._logprobs = library.function("logprobs")
        finalize(self, library.call, "sampler_delete", self._handle)

    def choose(self, logits_RV: torch.Tensor, draws_R: Draws) -> torch.Tensor:
        """The ids, [R]. Logits are float32 with contiguous rows; a row's answer depends on nothing else.

        A NaN counts as -inf. A row with +inf takes its first one, and a row without any number id 0.
        """
        num_rows = len(logits_RV)
        assert draws_R.dtype == DRAW, draws_R.dtype
        assert draws_R.shape == (num_rows,), draws_R.shape
        ids_R = np.empty(num_rows, dtype=np.int64)
        self._sample(
            self._handle, *_rows(logits_RV), _pointer(draws_R), _INT(num_rows), _pointer(ids_R)
        )  # fmt: skip
        return torch.from_numpy(ids_R)

    def penalise(
        self, logits_RV: torch.Tensor, tokens_SL: npt.NDArray[np.int32], penalties_N: Penalties
    ) -> None:
        """Changes the named rows in place: repetition over all their tokens, the others over output."""
        assert penalties_N.dtype == PENALTY, penalties_N.dtype
        assert tokens_SL.dtype == np.int32, tokens_SL.dtype
        self._penalise(
            self._handle, *_rows(logits_RV), _pointer(tokens_SL), _INT(tokens_SL.shape[1]),
            _pointer(penalties_N), _INT(len(penalties_N)),
        )  # fmt: skip

    def choose_among(
        self, logits_RV: torch.Tensor, words_SW: npt.NDArray[np.uint32], rows_N: Ints, slots_N: Ints,
        draws_N: Draws,
    ) -> torch.Tensor:  # fmt: skip
        """Leaves to row `rows_N[i]` only the tokens whose bit is set in `words_SW[slots_N[i]]`, and chooses one.

        The others' logits become -inf. Rows are different.
        """
        assert draws_N.dtype == DRAW, draws_N.dtype
        assert draws_N.shape == rows_N.shape, (draws_N.shape, rows_N.shape)
        assert words_SW.dtype == np.uint32, words_SW.dtype
        assert 32 * words_SW.shape[1] >= logits_RV.shape[1], (words_SW.shape, logits_RV.shape)
        assert rows_N.dtype == slots_N.dtype == np.int64
        assert rows_N.shape == slots_N.shape, (rows_N.shape, slots_N.shape)
        ids_N = np.empty(len(rows_N), dtype=np.int64)
        self._sample_among(
            self._handle, *_rows(logits_RV), _pointer(words_SW), _INT(words_SW.shape[1]),
            _pointer(rows_N), _pointer(slots_N), _pointer(draws_N), _INT(len(rows_N)),
            _pointer(ids_N),
        )  # fmt: skip
        return torch.from_numpy(ids_N)

    def top_logprobs(
        self, logits_RV: torch.Tensor, rows_N: Ints, token_ids_N: torch.Tensor, count: int
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """ids [N, 1 + count], their log probabilities, and ranks [N]: each token, then the likeliest.

        `count` is at most V. Ties are listed by id.
        """
        assert count <= logits_RV.shape[1], (count, logits_RV.shape)
        assert rows_N.dtype == np.int64
        assert token_ids_N.dtype == torch.int64
        assert rows_N.shape == token_ids_N.shape, (rows_N.shape, token_ids_N.shape)
        ids_NW = np.empty((len(rows_N), 1 + count), dtype=np.int64)
        values_NW = np.empty(ids_NW.shape, dtype=np.float32)
        ranks_N = np.empty(len(rows_N), dtype=np.int64)
        self._logprobs(
            self._handle, *_rows(logits_RV), _pointer(rows_N), _pointer(token_ids_N.numpy()),
            _INT(len(rows_N)), _INT(count), _pointer(ids_NW), _pointer(values_NW), _pointer(ranks_N),
        )  # fmt: skip
        return torch.from_numpy(ids_NW), torch.from_numpy(values_NW), torch.from_numpy(ranks_N)


def _rows(logits_RV: torch.Tensor) -> tuple[ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64]:
    """Where they begin, how far apart they are, and how long."""
    assert logits_RV.dtype == torch.float32, logits_RV.dtype
    assert logits_RV.device.type == "cpu", logits_RV.device
    assert logits_RV.stride(1) == 1, logits_RV.stride()
    return _POINTER(logits_RV.data_ptr()), _INT(logits_RV.stride(0)), _INT(logits_RV.shape[1])


def _pointer(array: np.ndarray) -> ctypes.c_void_p:
    assert array.flags.c_contiguous
    return _POINTER(array.ctypes.data)
