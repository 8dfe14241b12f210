"""Log probabilities of tokens under the logits as the model made them. Knows no sampling, and the wire's form.

N tokens, V vocabulary, W columns: the token itself, then the top ones or the requested ids.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from penstock.kernels.upload import upload
from penstock.protocol.messages import TokenLogprobs
from penstock.workers.sampler.draw import rows_at_once, total_weights
from penstock.workers.sampler.head import head


@dataclass(frozen=True, slots=True)
class Columns:
    """`TokenLogprobs` before it is packed, wherever it was computed."""

    ids_NW: torch.Tensor
    values_NW: torch.Tensor
    ranks_N: torch.Tensor

    @property
    def tensors(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        return self.ids_NW, self.values_NW, self.ranks_N

    def pack(self) -> TokenLogprobs:
        """All tokens in one message. Packed are columns on the CPU."""
        return TokenLogprobs(self.ids_NW.shape[1], *(x_N.tobytes() for x_N in self._on_the_wire()))

    def pack_each(self) -> list[TokenLogprobs]:
        """Each token by itself."""
        width = self.ids_NW.shape[1]
        parts = zip(*self._on_the_wire(), strict=True)
        return [TokenLogprobs(width, *(x.tobytes() for x in part)) for part in parts]

    def _on_the_wire(self) -> tuple[npt.NDArray[np.generic], ...]:
        columns = ((self.ids_NW, "<u4"), (self.values_NW, "<f4"), (self.ranks_N, "<u4"))
        return tuple(column.numpy().astype(dtype) for column, dtype in columns)


def join(parts: Sequence[Columns]) -> Columns:
    """The tokens of all parts in order."""
    return Columns(
        torch.cat([part.ids_NW for part in parts]),
        torch.cat([part.values_NW for part in parts]),
        torch.cat([part.ranks_N for part in parts]),
    )


def top_logprobs(logits_NV: torch.Tensor, token_ids_N: torch.Tensor, count: int) -> Columns:
    """The tokens beside the `count` likeliest ids; -1 is the whole vocabulary."""
    top_NK = head(logits_NV, logits_NV.shape[1] if count < 0 else count)[1] if count else None
    beside = () if top_NK is None else (top_NK,)
    return _columns(logits_NV, token_ids_N, torch.cat([token_ids_N[:, None], *beside], 1))


def chosen_logprobs(
    logits_NV: torch.Tensor, token_ids_N: torch.Tensor, ids: Sequence[int]
) -> Columns:
    """The tokens beside the given ids."""
    chosen_K = upload(np.array(ids, dtype=np.int64), logits_NV.device)
    beside_NK = chosen_K.expand(len(token_ids_N), -1)
    return _columns(logits_NV, token_ids_N, torch.cat([token_ids_N[:, None], beside_NK], 1))


def _columns(logits_NV: torch.Tensor, token_ids_N: torch.Tensor, ids_NW: torch.Tensor) -> Columns:
    normalizer_N = _log_sum_exp(logits_NV)
    values_NW = (logits_NV.gather(1, ids_NW).double() - normalizer_N[:, None]).float()
    return Columns(ids_NW, values_NW, _ranks(logits_NV, token_ids_N))


def _log_sum_exp(logits_NV: torch.Tensor) -> torch.Tensor:
    rows_N = torch.arange(len(logits_NV), device=logits_NV.device)
    neutral_N = torch.ones(len(rows_N), dtype=torch.float64, device=logits_NV.device)
    return total_weights(logits_NV, rows_N, neutral_N).log() + logits_NV.amax(1).double()


def _ranks(logits_NV: torch.Tensor, token_ids_N: torch.Tensor) -> torch.Tensor:
    """1 and the number of likelier ids."""
    own_N1 = logits_NV.gather(1, token_ids_N[:, None])
    pieces = zip(
        *(torch.split(x, rows_at_once(logits_NV)) for x in (logits_NV, own_N1)), strict=True
    )
    return torch.cat([(some_CV > own_C1).sum(1) for some_CV, own_C1 in pieces]) + 1
