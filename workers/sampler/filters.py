"""top_k, top_p and min_p, and the draw from what they leave. Know sorted heads, not a row's other features.

Filters keep a head of the sorted vocabulary. How long a head must be is known only for top_k, so a
row climbs a ladder: a short head first, a longer one where top_p is not yet satisfied. A row's
token is the same on whichever rung it is drawn.

R rows, V vocabulary, N rows that draw, K entries of a head.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from penstock.workers.sampler.draw import Shape, count_at_most, total_weights
from penstock.workers.sampler.head import head

RUNGS = (64, 1024)


@dataclass(frozen=True, slots=True)
class Filters:
    """Columns of the rows that draw."""

    shape: Shape
    top_k_N: torch.Tensor
    """int64; 0 is off."""
    top_p_N: torch.Tensor
    uniform_N: torch.Tensor

    def at(self, which: torch.Tensor) -> "Filters":
        columns = (self.top_k_N, self.top_p_N, self.uniform_N)
        return Filters(self.shape.at(which), *(column[which] for column in columns))


def draw_filtered(logits_RV: torch.Tensor, rows_N: torch.Tensor, filters: Filters) -> torch.Tensor:
    """One id for each of `rows_N`, which ascend."""
    size = logits_RV.shape[1]
    total_N = _totals(logits_RV, rows_N, filters)
    ids_N = torch.zeros_like(rows_N)
    waiting_N = torch.ones_like(rows_N, dtype=torch.bool)
    for rung in (*(r for r in RUNGS if r < size), size):
        fits_N = filters.top_k_N <= rung if rung < size else waiting_N
        mine = (waiting_N & fits_N).nonzero().squeeze(1)
        if len(mine):
            values_NK, head_ids_NK = head(select(logits_RV, rows_N[mine]), rung)
            places_N, enough_N = _draw_place(values_NK, filters.at(mine), total_N[mine])
            ids_N[mine] = head_ids_NK.gather(1, places_N[:, None]).squeeze(1)
            waiting_N[mine] = ~enough_N
    return ids_N


def select(x_RV: torch.Tensor, rows_N: torch.Tensor) -> torch.Tensor:
    """The named rows, which ascend; not copied when they are all there are."""
    return x_RV if len(rows_N) == len(x_RV) else x_RV[rows_N]


def _totals(logits_RV: torch.Tensor, rows_N: torch.Tensor, filters: Filters) -> torch.Tensor:
    """The sum that top_p is a share of, for rows where it is all of the vocabulary's; else nan."""
    total_N = torch.full_like(filters.top_p_N, torch.nan)
    whole_N = filters.top_k_N == 0
    if bool(whole_N.any()):
        total_N[whole_N] = total_weights(logits_RV, rows_N[whole_N], filters.shape.at(whole_N))
    return total_N


def _draw_place(
    values_NK: torch.Tensor, filters: Filters, total_N: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """A place in each row's head, and whether that head was long enough for it to count."""
    ends_NK = _weights(values_NK, filters).cumsum(1)
    total_N = torch.where(total_N.isnan(), ends_NK[:, -1], total_N)
    kept_NK = F.pad(ends_NK[:, :-1], (1, 0)) < (filters.top_p_N * total_N)[:, None]
    last_N1 = kept_NK.sum(1, keepdim=True).clamp_(min=1) - 1
    target_N1 = filters.uniform_N[:, None] * ends_NK.gather(1, last_N1)
    place_N1 = torch.minimum(count_at_most(ends_NK, target_N1), last_N1)
    return place_N1.squeeze(1), (filters.top_k_N > 0) | ~kept_NK[:, -1]


def _weights(values_NK: torch.Tensor, filters: Filters) -> torch.Tensor:
    """Relative to the largest, zero where top_k or min_p cuts; float64, so that sums keep small ones."""
    values_NK = values_NK.double()
    weights_NK = values_NK.sub_(values_NK[:, :1].clone()).div_(filters.shape.temperature_N[:, None])
    weights_NK.exp_()
    limit_N = torch.where(filters.top_k_N > 0, filters.top_k_N, values_NK.shape[1])
    beyond_NK = torch.arange(values_NK.shape[1], device=limit_N.device) >= limit_N[:, None]
    return weights_NK.masked_fill_(beyond_NK | (weights_NK < filters.shape.min_p_N[:, None]), 0)
