"""The sampler's steps on GPUs for a caller who has numpy's arrays. Knows records and copies, not how a token is drawn.

What `workers.sampler.ops.SamplingOps` asks; the oracle is `TorchSampling` beside it. Each call copies its records to
the device and leaves its answer there: nobody waits.

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
from penstock.kernels.upload import upload

Ints = npt.NDArray[np.int64]


class TritonSampling:
    """Keeps nothing between calls."""

    def choose(self, logits_RV: torch.Tensor, draws_R: Draws) -> torch.Tensor:
        """The ids, [R]. Logits are float32 with contiguous rows; a row's answer depends on nothing else.

        A NaN counts as -inf. A row with +inf takes its first one, and a row without any number id 0.
        """
        assert draws_R.dtype == DRAW, draws_R.dtype
        greedy = not (draws_R["temperature"] > 0).any()
        if greedy:  # nothing of a draw is read then
            unread_RC = logits_RV.new_empty(
                (len(draws_R), len(DRAW.fields or ())), dtype=torch.float64
            )
            return choose(logits_RV, unread_RC, greedy=True)
        return choose(logits_RV, _moved(draws_R, torch.float64, logits_RV), greedy=False)

    def penalise(
        self, logits_RV: torch.Tensor, tokens_SL: npt.NDArray[np.int32], penalties_N: Penalties
    ) -> None:
        """Changes the named rows in place: repetition over all their tokens, the others over output."""
        assert penalties_N.dtype == PENALTY, penalties_N.dtype
        longest = int(penalties_N["num_tokens"].max())
        tokens_NL = np.ascontiguousarray(tokens_SL[penalties_N["slot"], :longest])
        renamed_N = penalties_N.copy()
        renamed_N["slot"] = np.arange(len(renamed_N))
        tokens = upload(tokens_NL, logits_RV.device)
        penalise(logits_RV, tokens, _moved(renamed_N, torch.int64, logits_RV), longest)

    def choose_among(
        self, logits_RV: torch.Tensor, words_SW: npt.NDArray[np.uint32], rows_N: Ints, slots_N: Ints,
        draws_N: Draws,
    ) -> torch.Tensor:  # fmt: skip
        """Leaves to row `rows_N[i]` only the tokens whose bit is set in `words_SW[slots_N[i]]`, and chooses one.

        The others' logits become -inf.
        """
        words_NW = upload(words_SW[slots_N].view(np.int32), logits_RV.device)
        each_N = torch.arange(len(rows_N), device=logits_RV.device)
        named_N = upload(rows_N, logits_RV.device)
        constrain(logits_RV, words_NW, named_N, each_N)
        return self.choose(logits_RV[named_N], draws_N)

    def top_logprobs(
        self, logits_RV: torch.Tensor, rows_N: Ints, token_ids_N: torch.Tensor, count: int
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """ids [N, 1 + count], their log probabilities, and ranks [N]: each token, then the likeliest.

        `count` is at most V. Ties are listed by id.
        """
        return top_logprobs(logits_RV, upload(rows_N, logits_RV.device), token_ids_N, count)


def _moved(records: npt.NDArray[np.void], dtype: torch.dtype, like: torch.Tensor) -> torch.Tensor:
    """Records of 8-byte fields as a matrix of one dtype, in one copy."""
    flat = upload(np.ascontiguousarray(records).view(np.uint8), like.device)
    return flat.view(dtype).view(len(records), -1)
