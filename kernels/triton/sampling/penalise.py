"""Repetition, frequency and presence penalties from the history of each row. Knows tokens, not how they are drawn.

First the history is counted, whole numbers again, so that the order cannot matter; then each logit is changed once.

    a count   [ bit 30: said at all, prompt included | how often in the output ]

N rows with a penalty, V vocabulary, S histories, L places of one.
"""

import torch
import triton
import triton.language as tl

_COLUMNS = 7
_PLACES, _ENTRIES = 1024, 2048
_SAID: tl.constexpr = tl.constexpr(1 << 30)


def penalise(
    logits_RV: torch.Tensor, tokens_SL: torch.Tensor, penalties_NC: torch.Tensor, longest: int
) -> None:
    """Changes the named rows in place. `penalties_NC` are the records of `penalties.PENALTY` as int64, of different
    rows; the last three columns' bits are float64. No history is longer than `longest`.
    """  # fmt: skip
    assert logits_RV.dtype == torch.float32, logits_RV.dtype
    assert tokens_SL.dtype == torch.int32, tokens_SL.dtype
    assert penalties_NC.shape[1:] == (_COLUMNS,), penalties_NC.shape
    num_rows, size = len(penalties_NC), logits_RV.shape[1]
    counts_NV = torch.zeros((num_rows, size), dtype=torch.int32, device=logits_RV.device)
    _count_kernel[(num_rows, triton.cdiv(longest, _PLACES))](
        tokens_SL, penalties_NC, counts_NV, tokens_SL.stride(0), size, PLACES=_PLACES, num_warps=4
    )
    _penalise_kernel[(num_rows, triton.cdiv(size, _ENTRIES))](
        logits_RV, penalties_NC, penalties_NC.view(torch.float64), counts_NV, logits_RV.stride(0),
        size, ENTRIES=_ENTRIES, num_warps=4,
    )  # fmt: skip


@triton.jit
def _count_kernel(tokens_ptr, penalties_ptr, counts_ptr, token_stride, size, PLACES: tl.constexpr):
    which = tl.program_id(0).to(tl.int64)
    slot = tl.load(penalties_ptr + which * 7 + 1)
    num_prompt = tl.load(penalties_ptr + which * 7 + 2)
    num_tokens = tl.load(penalties_ptr + which * 7 + 3)
    places = tl.program_id(1) * PLACES + tl.arange(0, PLACES)
    tokens = tl.load(tokens_ptr + slot * token_stride + places, mask=places < num_tokens, other=-1)
    inside = (tokens >= 0) & (tokens < size)
    places_ptr = counts_ptr + which * size + tokens
    tl.atomic_or(places_ptr, _SAID, mask=inside, sem="relaxed")
    tl.atomic_add(places_ptr, 1, mask=inside & (places >= num_prompt), sem="relaxed")


@triton.jit
def _penalise_kernel(
    logits_ptr, penalties_ptr, penalty_bits_ptr, counts_ptr, stride, size, ENTRIES: tl.constexpr
):
    which = tl.program_id(0).to(tl.int64)
    row = tl.load(penalties_ptr + which * 7)
    repetition = tl.load(penalty_bits_ptr + which * 7 + 4).to(tl.float32)
    frequency = tl.load(penalty_bits_ptr + which * 7 + 5).to(tl.float32)
    presence = tl.load(penalty_bits_ptr + which * 7 + 6).to(tl.float32)
    ids = tl.program_id(1) * ENTRIES + tl.arange(0, ENTRIES)
    counts = tl.load(counts_ptr + which * size + ids, mask=ids < size, other=0)
    said = counts > 0
    logits = tl.load(logits_ptr + row * stride + ids, mask=said, other=0.0)
    repeated = tl.where(logits > 0, tl.div_rn(logits, repetition), logits * repetition)
    in_output = (counts & (_SAID - 1)).to(tl.float32)
    logits = tl.where(repetition == 1.0, logits, repeated) - frequency * in_output
    logits = tl.where(in_output > 0, logits - presence, logits)
    tl.store(logits_ptr + row * stride + ids, logits, mask=said)
