"""What a row must not or should rather say: bans, biases and masks. Knows ids, not how a token is drawn.

Only `allowed_token_ids` and masks forbid with -inf. All other bans shift by BAN, which no temperature
brings back, yet keeps the order among the banned: a row with every allowed token banned still samples
the best of them, and no row ever is all -inf. Where a mask is still to come, `allowed_token_ids` shift as
well, and further: the mask has the last word, and leaves something even if it allows none of them.

R rows, V vocabulary, S slots, W words of a mask, N rows with the feature, P pairs of a row and an id.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch

from penstock.kernels.upload import upload
from penstock.protocol.sampling import SamplingParams
from penstock.workers.sampler.params import Feature, ParamTable
from penstock.workers.sampler.rows import Ints, Rows, pair

BAN = 1e4
SHUT_OUT = 2 * BAN

Words = npt.NDArray[np.uint32]


def bias(logits_RV: torch.Tensor, rows: Rows, table: ParamTable, rows_N: Ints) -> None:
    """Adds each row's `logit_bias` in place."""
    lists = [table.lists[int(slot)] for slot in rows.slots_R[rows_N]]
    index = pair(rows_N.tolist(), [some.biased_ids for some in lists]).index(logits_RV.device)
    biases_P = upload(np.concatenate([some.biases for some in lists]), logits_RV.device)
    logits_RV[index] += biases_P.to(logits_RV.dtype)


def ban(logits_RV: torch.Tensor, rows: Rows, table: ParamTable, rows_N: Ints) -> None:
    """Applies allowed ids, bad words and min_tokens in place."""
    _allow_only(logits_RV, rows, table, rows_N)
    size = logits_RV.shape[1]
    banned = [(row, ids) for row in rows_N.tolist() for ids in _banned_ids(row, rows, table, size)]
    if banned:
        index = pair([row for row, _ in banned], [ids for _, ids in banned]).index(logits_RV.device)
        # An id that is banned twice is written twice with the same value.
        logits_RV[index] = logits_RV[index] - BAN


def _allow_only(logits_RV: torch.Tensor, rows: Rows, table: ParamTable, rows_N: Ints) -> None:
    rows_N = rows_N[[len(table.lists[int(slot)].allowed_ids) > 0 for slot in rows.slots_R[rows_N]]]
    if not len(rows_N):
        return
    allowed = [table.lists[int(slot)].allowed_ids for slot in rows.slots_R[rows_N]]
    index = pair(rows_N.tolist(), allowed).index(logits_RV.device)
    kept_P = logits_RV[index]
    masked_N = (table.features_S[rows.slots_R[rows_N]] & int(Feature.CONSTRAINED)) != 0
    shift_N = upload(np.where(masked_N, np.float32(SHUT_OUT), np.float32(np.inf)), logits_RV.device)
    logits_RV[upload(rows_N, logits_RV.device)] -= shift_N[:, None]
    logits_RV[index] = kept_P


def constrain(logits_RV: torch.Tensor, words_SW: Words, rows_N: Ints, slots_N: Ints) -> None:
    """Leaves to row `rows_N[i]` only the tokens whose bit is set in `words_SW[slots_N[i]]`."""
    bits_NV = np.unpackbits(words_SW[slots_N].view(np.uint8), axis=1, bitorder="little")
    shut_out_NV = upload(bits_NV[:, : logits_RV.shape[1]] == 0, logits_RV.device)
    index = upload(rows_N, logits_RV.device)
    logits_RV[index] = logits_RV[index].masked_fill(shut_out_NV, -torch.inf)


def _banned_ids(row: int, rows: Rows, table: ParamTable, size: int) -> Iterator[Ints]:
    slot = int(rows.slots_R[row])
    params, lists = table.params[slot], table.lists[slot]
    length = int(rows.lengths_R[row])
    if length - rows.num_prompt_R[row] < params.min_tokens:
        yield lists.stop_ids[lists.stop_ids < size]  # some models' EOS lies beyond their vocabulary
    yield lists.bad_ids
    yield _ends_of_bad_words(params, rows.tokens_SL[slot, :length])


def _ends_of_bad_words(params: SamplingParams, tokens_L: np.ndarray) -> Ints:
    longest = max((len(word) for word in params.bad_words), default=0)
    if longest < 2:
        return np.empty(0, dtype=np.int64)
    recent = tuple(tokens_L[-(longest - 1) :].tolist())
    ends = [
        word[-1]
        for word in params.bad_words
        if len(word) > 1 and recent[len(recent) - len(word) + 1 :] == word[:-1]
    ]
    return np.array(ends, dtype=np.int64)
