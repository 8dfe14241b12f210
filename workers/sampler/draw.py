"""Draws by inverse CDF from the whole vocabulary, in the order of its ids. Knows no filters but min_p.

Nothing is sorted: a number in [0, 1) is looked up in the sums of blocks, then inside one block.
Few rows are weighed at a time, so that they stay in the processor's cache.

R rows, V vocabulary, C rows in hand, B blocks, W places in a block, N rows that draw.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

WIDTH = 512
CACHED_ELEMENTS = 1 << 19
_BELOW_ONE = 1 - 2**-53


@dataclass(frozen=True, slots=True)
class Shape:
    """What turns logits into weights; float64 [N] each."""

    temperature_N: torch.Tensor
    min_p_N: torch.Tensor

    def at(self, which: slice | torch.Tensor) -> "Shape":
        return Shape(self.temperature_N[which], self.min_p_N[which])


def draw(
    logits_RV: torch.Tensor, rows_N: torch.Tensor, shape: Shape, uniform_N: torch.Tensor
) -> torch.Tensor:
    """One id for each of `rows_N`."""
    ids = [
        _pick(weights_CBW, uniform_N[some]) for some, weights_CBW in weigh(logits_RV, rows_N, shape)
    ]
    return torch.cat(ids).clamp_(max=logits_RV.shape[1] - 1)


def total_weights(logits_RV: torch.Tensor, rows_N: torch.Tensor, shape: Shape) -> torch.Tensor:
    """Each row's sum of weights relative to its largest, float64 [N]."""
    sums = [
        weights_CBW.sum(2).double().cumsum(1)[:, -1]
        for _, weights_CBW in weigh(logits_RV, rows_N, shape)
    ]
    return torch.cat(sums)


def weigh(
    logits_RV: torch.Tensor, rows_N: torch.Tensor, shape: Shape
) -> Iterator[tuple[slice, torch.Tensor]]:
    """exp((logit - max) / temperature) of a few rows at a time, zero below min_p.

    The yielded tensor is overwritten by the next one.
    """
    size = logits_RV.shape[1]
    at_once = rows_at_once(logits_RV)
    num_blocks = -(-size // WIDTH)
    buffer_CV = logits_RV.new_full((min(at_once, len(rows_N)), num_blocks * WIDTH), -torch.inf)
    for start in range(0, len(rows_N), at_once):
        some = slice(start, min(start + at_once, len(rows_N)))
        weights_CV = buffer_CV[: some.stop - start]
        weights_CV[:, size:] = -torch.inf
        torch.index_select(logits_RV, 0, rows_N[some], out=weights_CV[:, :size])
        _exponentiate(weights_CV, shape.at(some))
        yield some, weights_CV.view(-1, num_blocks, WIDTH)


def rows_at_once(logits_RV: torch.Tensor) -> int:
    """How many rows of temporary copies fit the cache; a GPU takes them all."""
    if logits_RV.device.type != "cpu":
        return max(1, len(logits_RV))
    return max(1, CACHED_ELEMENTS // logits_RV.shape[1])


def _exponentiate(logits_CV: torch.Tensor, shape: Shape) -> None:
    logits_CV.sub_(logits_CV.amax(1, keepdim=True))
    logits_CV.mul_((1 / shape.temperature_N).to(logits_CV)[:, None]).exp_()
    if bool(shape.min_p_N.any()):
        logits_CV.masked_fill_(logits_CV < shape.min_p_N.to(logits_CV)[:, None], 0)


def _pick(weights_CBW: torch.Tensor, uniform_C: torch.Tensor) -> torch.Tensor:
    ends_CB = weights_CBW.sum(2).double().cumsum(1)
    target_C1 = uniform_C[:, None] * ends_CB[:, -1:]
    block_C1 = count_at_most(ends_CB, target_C1)
    starts_CB = torch.nn.functional.pad(ends_CB[:, :-1], (1, 0))
    start_C1 = starts_CB.gather(1, block_C1)
    # The block's own sum differs from its share of the running sum by rounding: hence a share.
    share_C1 = (target_C1 - start_C1) / (ends_CB.gather(1, block_C1) - start_C1)
    inside_CW = weights_CBW[torch.arange(len(block_C1)), block_C1[:, 0]].double().cumsum(1)
    place_C1 = count_at_most(inside_CW, share_C1.clamp(0, _BELOW_ONE) * inside_CW[:, -1:])
    return (block_C1 * WIDTH + place_C1).squeeze(1)


def count_at_most(ends_CN: torch.Tensor, target_C1: torch.Tensor) -> torch.Tensor:
    """The first place whose running sum exceeds the target; its own weight is above zero."""
    return (ends_CN <= target_C1).sum(1, keepdim=True).clamp_(max=ends_CN.shape[1] - 1)
