"""The sampler's steps on GPUs for a caller who has numpy's arrays. Knows records and copies, not how a token is drawn.

What `workers.sampler.ops.SamplingOps` asks; the oracle is `TorchSampling` beside it. Each call copies its records to
the device and its answer back, and waits for that; whoever must not wait calls the functions of this package himself.

R rows, V vocabulary, S slots, L places of a slot's history, N rows that are named, W columns.
"""

import numpy as np
import numpy.typing as npt
import torch

from penstock.kernels.draws import DRAW, Draws
from penstock.kernels.penalties import PENALTY, Penalties
from penstock.kernels.triton.sampling.choose import choose
from penstock.kernels.triton.sampling.constrain import constrain
from penstock.kernels.triton.sampling.logprobs import top_logprobs
from penstock.kernels.triton.sampling.penalise import penalise

Ints = npt.NDArray[np.int64]


class TritonSampling:
    """Keeps nothing between calls."""

    def choose(self, logits_RV: torch.Tensor, draws_R: Draws) -> Ints:
        """The ids, [R]. Logits are float32 with contiguous rows; a row's answer depends on nothing else.

        A NaN counts as -inf. A row with +inf takes its first one, and a row without any number id 0.
        """
        assert draws_R.dtype == DRAW, draws_R.dtype
        draws_RC = _moved(draws_R, torch.float64, logits_RV)
        greedy = not (draws_R["temperature"] > 0).any()
        return _home(choose(logits_RV, draws_RC, greedy=greedy))

    def penalise(
        self, logits_RV: torch.Tensor, tokens_SL: npt.NDArray[np.int32], penalties_N: Penalties
    ) -> None:
        """Changes the named rows in place: repetition over all their tokens, the others over output."""
        assert penalties_N.dtype == PENALTY, penalties_N.dtype
        longest = int(penalties_N["num_tokens"].max())
        tokens_NL = np.ascontiguousarray(tokens_SL[penalties_N["slot"], :longest])
        renamed_N = penalties_N.copy()
        renamed_N["slot"] = np.arange(len(renamed_N))
        tokens = torch.from_numpy(tokens_NL).to(logits_RV.device)
        penalise(logits_RV, tokens, _moved(renamed_N, torch.int64, logits_RV), longest)

    def constrain(
        self, logits_RV: torch.Tensor, words_SW: npt.NDArray[np.uint32], rows_N: Ints, slots_N: Ints
    ) -> None:
        """Leaves to row `rows_N[i]` only the tokens whose bit is set in `words_SW[slots_N[i]]`."""
        words_NW = torch.from_numpy(words_SW[slots_N].view(np.int32)).to(logits_RV.device)
        each_N = torch.arange(len(rows_N), device=logits_RV.device)
        constrain(logits_RV, words_NW, _there(rows_N, logits_RV), each_N)

    def top_logprobs(
        self, logits_RV: torch.Tensor, rows_N: Ints, token_ids_N: Ints, count: int
    ) -> tuple[Ints, npt.NDArray[np.float32], Ints]:
        """ids [N, 1 + count], their log probabilities, and ranks [N]: each token, then the likeliest.

        `count` is at most V. Ties are listed by id.
        """
        rows, tokens = _there(rows_N, logits_RV), _there(token_ids_N, logits_RV)
        ids_NW, values_NW, ranks_N = top_logprobs(logits_RV, rows, tokens, count)
        return _home(ids_NW), values_NW.cpu().numpy(), _home(ranks_N)


def _moved(records: npt.NDArray[np.void], dtype: torch.dtype, like: torch.Tensor) -> torch.Tensor:
    """Records of 8-byte fields as a matrix of one dtype, in one copy."""
    flat = torch.from_numpy(np.ascontiguousarray(records).view(np.uint8).copy())
    return flat.to(like.device).view(dtype).view(len(records), -1)


def _there(column: Ints, like: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(column)).to(like.device)


def _home(column: torch.Tensor) -> Ints:
    found: Ints = column.cpu().numpy()
    return found
