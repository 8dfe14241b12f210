"""What sampling asks of whoever computes it, and torch's answer. Knows no slots and no requests.

R rows, V vocabulary, N rows of one kind, S slots, L places of a slot's history.
"""

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from penstock.kernels.draws import Draws
from penstock.kernels.penalties import Penalties
from penstock.kernels.upload import upload
from penstock.workers.sampler.draw import draw
from penstock.workers.sampler.filters import Filters, draw_filtered
from penstock.workers.sampler.head import argmax, select
from penstock.workers.sampler.logprobs import top_logprobs
from penstock.workers.sampler.masks import Words, constrain
from penstock.workers.sampler.penalties import penalise
from penstock.workers.sampler.rows import Ints

Int32s = npt.NDArray[np.int32]
Columns = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


class SamplingOps(Protocol):
    """`TorchSampling` runs anywhere and is the oracle; `kernels.cpu.sample.NativeSampling` is fast on CPUs, and
    `kernels.triton.sampling.ops.TritonSampling` on GPUs."""

    def choose(self, logits_RV: torch.Tensor, draws_R: Draws) -> torch.Tensor:
        """One token for each row of float32 logits, where they lie; a row's depends on nothing but that row."""
        ...

    def penalise(self, logits_RV: torch.Tensor, tokens_SL: Int32s, penalties_N: Penalties) -> None:
        """Changes the named rows in place: repetition over all their tokens, the others over output."""
        ...

    def choose_among(
        self, logits_RV: torch.Tensor, words_SW: Words, rows_N: Ints, slots_N: Ints, draws_N: Draws
    ) -> torch.Tensor:
        """Leaves to row `rows_N[i]` only the tokens whose bit is set in `words_SW[slots_N[i]]`, and chooses one.

        The rows ascend. The others' logits become -inf.
        """
        ...

    def top_logprobs(
        self, logits_RV: torch.Tensor, rows_N: Ints, token_ids_N: torch.Tensor, count: int
    ) -> Columns:
        """ids [N, 1 + count], their log probabilities, and ranks [N]: each token, then the likeliest."""
        ...


class TorchSampling:
    """Wherever the logits lie."""

    def choose(self, logits_RV: torch.Tensor, draws_R: Draws) -> torch.Tensor:
        """See `SamplingOps`."""
        ids_R = torch.zeros(len(draws_R), dtype=torch.int64, device=logits_RV.device)
        for rows_N, ids_N in self._choose_by_kind(logits_RV, draws_R):
            ids_R[rows_N] = ids_N
        return ids_R

    def penalise(self, logits_RV: torch.Tensor, tokens_SL: Int32s, penalties_N: Penalties) -> None:
        """See `SamplingOps`."""
        penalise(logits_RV, tokens_SL, penalties_N)

    def choose_among(
        self, logits_RV: torch.Tensor, words_SW: Words, rows_N: Ints, slots_N: Ints, draws_N: Draws
    ) -> torch.Tensor:
        """See `SamplingOps`."""
        constrain(logits_RV, words_SW, rows_N, slots_N)
        return self.choose(select(logits_RV, _on(logits_RV, rows_N)), draws_N)

    def top_logprobs(
        self, logits_RV: torch.Tensor, rows_N: Ints, token_ids_N: torch.Tensor, count: int
    ) -> Columns:
        """See `SamplingOps`."""
        some_NV = select(logits_RV, _on(logits_RV, rows_N))
        return top_logprobs(some_NV, token_ids_N, count).tensors

    def _choose_by_kind(
        self, logits_RV: torch.Tensor, draws_R: Draws
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        random_R, filtered_R = draws_R["temperature"] > 0, _filtered(draws_R)
        for rows_R, choose in (
            (~random_R, _take_best),
            (random_R & ~filtered_R, _draw),
            (random_R & filtered_R, _draw_filtered),
        ):
            if rows_R.any():
                rows_N = _on(logits_RV, np.flatnonzero(rows_R))
                yield rows_N, choose(logits_RV, rows_N, draws_R[rows_R])


def sampling_on(device: torch.device) -> SamplingOps:
    """For logits that lie there."""
    if device.type == "cuda":
        from penstock.kernels.triton.sampling.ops import TritonSampling  # only GPUs have Triton

        return TritonSampling()
    return TorchSampling()


def _filtered(draws_R: Draws) -> np.ndarray:
    return (draws_R["top_k"] > 0) | (draws_R["top_p"] < 1) | (draws_R["min_p"] > 0)


def _take_best(logits_RV: torch.Tensor, rows_N: torch.Tensor, draws_N: Draws) -> torch.Tensor:
    return argmax(select(logits_RV, rows_N))


def _draw(logits_RV: torch.Tensor, rows_N: torch.Tensor, draws_N: Draws) -> torch.Tensor:
    temperature_N, uniform_N = (
        _on(logits_RV, draws_N[name]) for name in ("temperature", "uniform")
    )
    return draw(logits_RV, rows_N, temperature_N, uniform_N)


def _draw_filtered(logits_RV: torch.Tensor, rows_N: torch.Tensor, draws_N: Draws) -> torch.Tensor:
    names = ("temperature", "top_k", "top_p", "min_p", "uniform")
    return draw_filtered(logits_RV, rows_N, Filters(*(_on(logits_RV, draws_N[n]) for n in names)))


def _on(like: torch.Tensor, column: np.ndarray) -> torch.Tensor:
    """`column` where `like` lies."""
    return upload(column, like.device)
