"""top_k, top_p and min_p, and the draw from what they leave. Know sorted heads, not a row's other features.

Filters keep a head of the sorted vocabulary. How long a head must be is known only for top_k, so a
row climbs a ladder: a short head first, a longer one until top_p or min_p cuts inside it. A row's
token is the same on whichever rung it is drawn.

R rows, V vocabulary, N rows that draw, K entries of a head.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from penstock.workers.sampler.draw import count_at_most, total_weights
from penstock.workers.sampler.head import head, select

RUNGS = (64, 1024)


@dataclass(frozen=True, slots=True)
class Filters:
    """Columns of the rows that draw; float64 but for `top_k_N`, where 0 is off."""

    temperature_N: torch.Tensor
    top_k_N: torch.Tensor
    top_p_N: torch.Tensor
    min_p_N: torch.Tensor
    uniform_N: torch.Tensor

    def at(self, which: torch.Tensor) -> "Filters":
        columns = (self.temperature_N, self.top_k_N, self.top_p_N, self.min_p_N, self.uniform_N)
        return Filters(*(column[which] for column in columns))


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


def _totals(logits_RV: torch.Tensor, rows_N: torch.Tensor, filters: Filters) -> torch.Tensor:
    """The sum that top_p is a share of: the vocabulary's, or nan where another filter comes first."""
    total_N = torch.full_like(filters.top_p_N, torch.nan)
    whole_N = (filters.top_k_N == 0) & (filters.min_p_N == 0)
    if bool(whole_N.any()):
        temperature_N = filters.temperature_N[whole_N]
        total_N[whole_N] = total_weights(logits_RV, rows_N[whole_N], temperature_N)
    return total_N


def _draw_place(
    values_NK: torch.Tensor, filters: Filters, total_N: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """A place in each row's head, and whether that head was long enough for it to count."""
    weights_NK = _weights(values_NK, filters)
    ends_NK = weights_NK.cumsum(1)
    cut_N = (filters.top_k_N > 0) | (weights_NK[:, -1] == 0)
    total_N = torch.where(total_N.isnan(), ends_NK[:, -1], total_N)
    kept_NK = F.pad(ends_NK[:, :-1], (1, 0)) < (filters.top_p_N * total_N)[:, None]
    last_N1 = kept_NK.sum(1, keepdim=True).clamp_(min=1) - 1
    target_N1 = filters.uniform_N[:, None] * ends_NK.gather(1, last_N1)
    place_N1 = torch.minimum(count_at_most(ends_NK, target_N1), last_N1)
    return place_N1.squeeze(1), cut_N | (~kept_NK[:, -1] & (filters.min_p_N == 0))


def _weights(values_NK: torch.Tensor, filters: Filters) -> torch.Tensor:
    """Relative to the largest, zero where top_k or min_p cuts; float64, so that sums keep small ones."""
    values_NK = values_NK.double()
    weights_NK = values_NK.sub_(values_NK[:, :1].clone()).div_(filters.temperature_N[:, None])
    weights_NK.exp_()
    limit_N = torch.where(filters.top_k_N > 0, filters.top_k_N, values_NK.shape[1])
    beyond_NK = torch.arange(values_NK.shape[1], device=limit_N.device) >= limit_N[:, None]
    return weights_NK.masked_fill_(beyond_NK | (weights_NK < filters.min_p_N[:, None]), 0)
