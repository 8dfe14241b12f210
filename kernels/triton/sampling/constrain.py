"""What a row may not say, and what it should rather say: masks of bits and biases. Knows ids, not how a token is drawn.

R rows, V vocabulary, N rows that are named, S masks, W words of one, P pairs of a row and an id.
"""

import torch
import triton
import triton.language as tl

_ENTRIES = 4096
_PAIRS = 256


def constrain(
    logits_RV: torch.Tensor, words_SW: torch.Tensor, rows_N: torch.Tensor, masks_N: torch.Tensor
) -> None:
    """Leaves to row `rows_N[i]` only the tokens whose bit is set in `words_SW[masks_N[i]]`."""
    size = logits_RV.shape[1]
    assert words_SW.dtype == torch.int32, words_SW.dtype
    assert 32 * words_SW.shape[1] >= size, (words_SW.shape, size)
    _constrain_kernel[(len(rows_N), triton.cdiv(size, _ENTRIES))](
        logits_RV, words_SW, rows_N, masks_N, logits_RV.stride(0), words_SW.stride(0), size,
        ENTRIES=_ENTRIES, num_warps=4,
    )  # fmt: skip


def add_bias(
    logits_RV: torch.Tensor, rows_P: torch.Tensor, ids_P: torch.Tensor, biases_P: torch.Tensor
) -> None:
    """Adds each bias to one logit, in place. No pair may appear twice: which would win is undefined."""
    assert rows_P.shape == ids_P.shape == biases_P.shape, (rows_P.shape, ids_P.shape)
    assert biases_P.dtype == torch.float32, biases_P.dtype
    _bias_kernel[(triton.cdiv(len(ids_P), _PAIRS),)](
        logits_RV, rows_P, ids_P, biases_P, logits_RV.stride(0), len(ids_P), PAIRS=_PAIRS, num_warps=4
    )  # fmt: skip


@triton.jit
def _constrain_kernel(
    logits_ptr, words_ptr, rows_ptr, masks_ptr, stride, word_stride, size, ENTRIES: tl.constexpr
):
    which = tl.program_id(0)
    row = tl.load(rows_ptr + which).to(tl.int64)
    mask = tl.load(masks_ptr + which).to(tl.int64)
    ids = tl.program_id(1) * ENTRIES + tl.arange(0, ENTRIES)
    words = tl.load(words_ptr + mask * word_stride + ids // 32, mask=ids < size, other=-1)
    forbidden = ((words >> (ids % 32)) & 1) == 0
    nothing = tl.full([ENTRIES], float("-inf"), tl.float32)
    tl.store(logits_ptr + row * stride + ids, nothing, mask=forbidden & (ids < size))


@triton.jit
def _bias_kernel(logits_ptr, rows_ptr, ids_ptr, biases_ptr, stride, count, PAIRS: tl.constexpr):
    pairs = tl.program_id(0) * PAIRS + tl.arange(0, PAIRS)
    mask = pairs < count
    rows = tl.load(rows_ptr + pairs, mask=mask, other=0).to(tl.int64)
    places_ptr = logits_ptr + rows * stride + tl.load(ids_ptr + pairs, mask=mask, other=0)
    biased = tl.load(places_ptr, mask=mask, other=0.0) + tl.load(
        biases_ptr + pairs, mask=mask, other=0.0
    )
    tl.store(places_ptr, biased, mask=mask)
