"""Draws by inverse CDF from the whole vocabulary, in the order of its ids. Knows no filters.

Nothing is sorted: a number in [0, 1) is looked up in the sums of blocks, then inside one block.
Few rows are weighed at a time, so that they stay in the processor's cache.

R rows, V vocabulary, C rows in hand, B blocks, W places in a block, N rows that draw.
"""

from collections.abc import Iterator

import torch

WIDTH = 512
CACHED_ELEMENTS = 1 << 19
_BELOW_ONE = 1 - 2**-53


def draw(
    logits_RV: torch.Tensor, rows_N: torch.Tensor, temperature_N: torch.Tensor,
    uniform_N: torch.Tensor,
) -> torch.Tensor:  # fmt: skip
    """One id for each of `rows_N`. Temperatures and uniforms are float64."""
    weighed = weigh(logits_RV, rows_N, temperature_N)
    ids = [_pick(weights_CBW, uniform_N[some]) for some, weights_CBW in weighed]
    return torch.cat(ids).clamp_(max=logits_RV.shape[1] - 1)


def total_weights(
    logits_RV: torch.Tensor, rows_N: torch.Tensor, temperature_N: torch.Tensor
) -> torch.Tensor:
    """Each row's sum of weights relative to its largest, float64 [N]."""
    weighed = weigh(logits_RV, rows_N, temperature_N)
    return torch.cat([_ends(weights_CBW)[:, -1] for _, weights_CBW in weighed])


def weigh(
    logits_RV: torch.Tensor, rows_N: torch.Tensor, temperature_N: torch.Tensor
) -> Iterator[tuple[slice, torch.Tensor]]:
    """exp((logit - max) / temperature), a few rows at a time, zero beyond the vocabulary.

    The yielded tensor is overwritten by the next one.
    """
    size, at_once = logits_RV.shape[1], rows_at_once(logits_RV)
    num_blocks = -(-size // WIDTH)
    buffer_CV = logits_RV.new_empty((min(at_once, len(rows_N)), num_blocks * WIDTH))
    for start in range(0, len(rows_N), at_once):
        some = slice(start, min(start + at_once, len(rows_N)))
        weights_CV = buffer_CV[: some.stop - start]
        weights_CV[:, size:] = -torch.inf
        torch.index_select(logits_RV, 0, rows_N[some], out=weights_CV[:, :size])
        _exponentiate(weights_CV, temperature_N[some])
        yield some, weights_CV.view(-1, num_blocks, WIDTH)


def _exponentiate(logits_CV: torch.Tensor, temperature_C: torch.Tensor) -> None:
    logits_CV.sub_(logits_CV.amax(1, keepdim=True))
    logits_CV.mul_((1 / temperature_C).to(logits_CV)[:, None]).exp_()


def rows_at_once(logits_RV: torch.Tensor) -> int:
    """How many rows of temporary copies fit the cache; a GPU takes them all."""
    if logits_RV.device.type != "cpu":
        return max(1, len(logits_RV))
    return max(1, CACHED_ELEMENTS // logits_RV.shape[1])


def _pick(weights_CBW: torch.Tensor, uniform_C: torch.Tensor) -> torch.Tensor:
    ends_CB = _ends(weights_CBW)
    target_C1 = uniform_C[:, None] * ends_CB[:, -1:]
    block_C1 = count_at_most(ends_CB, target_C1)
    starts_CB = torch.nn.functional.pad(ends_CB[:, :-1], (1, 0))
    start_C1 = starts_CB.gather(1, block_C1)
    # The block's own sum differs from its share of the running sum by rounding: hence a share.
    share_C1 = (target_C1 - start_C1) / (ends_CB.gather(1, block_C1) - start_C1)
    inside_CW = weights_CBW[torch.arange(len(block_C1)), block_C1[:, 0]].double().cumsum(1)
    place_C1 = count_at_most(inside_CW, share_C1.clamp(0, _BELOW_ONE) * inside_CW[:, -1:])
    return (block_C1 * WIDTH + place_C1).squeeze(1)


def _ends(weights_CBW: torch.Tensor) -> torch.Tensor:
    """Running sums of the blocks, in float64."""
    return weights_CBW.sum(2).double().cumsum(1)


def count_at_most(ends_CN: torch.Tensor, target_C1: torch.Tensor) -> torch.Tensor:
    """The first place whose running sum exceeds the target; its own weight is above zero."""
    return (ends_CN <= target_C1).sum(1, keepdim=True).clamp_(max=ends_CN.shape[1] - 1)
