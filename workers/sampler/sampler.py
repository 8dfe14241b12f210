"""One token for each row of logits. Knows the order of the features, none of their insides.

R rows, V vocabulary, N rows with the feature at hand.
"""

from dataclasses import dataclass

import numpy as np
import torch

from penstock.protocol.messages import TokenLogprobs
from penstock.protocol.sampling import SamplingParams
from penstock.workers.sampler.draw import draw
from penstock.workers.sampler.filters import Filters, draw_filtered
from penstock.workers.sampler.head import argmax, select
from penstock.workers.sampler.logprobs import row_logprobs
from penstock.workers.sampler.masks import ban, bias
from penstock.workers.sampler.noise import uniforms
from penstock.workers.sampler.params import RESHAPED, Feature, ParamTable
from penstock.workers.sampler.penalties import penalise
from penstock.workers.sampler.rows import Ints, Rows


@dataclass(frozen=True, slots=True)
class Sampled:
    """`logprobs` pairs a row with its answer, for the rows that asked."""

    token_ids_R: Ints
    logprobs: list[tuple[int, TokenLogprobs]]


class Sampler:
    """Holds the sampling parameters of every slot; keeps nothing else from step to step."""

    def __init__(self, num_slots: int) -> None:
        self._table = ParamTable(num_slots)

    def start(self, slot: int, params: SamplingParams) -> None:
        """`slot` belongs to a new sequence."""
        self._table.start(slot, params)

    def sample(self, logits_RV: torch.Tensor, rows: Rows) -> Sampled:
        """Samples each row. Overwrites the logits."""
        asking_N = self._table.rows_with(Feature.LOGPROBS, rows.slots_R)
        raw_NV = select(logits_RV, _on(logits_RV, asking_N))
        if len(self._table.rows_with(RESHAPED, rows.slots_R)):
            raw_NV = raw_NV.clone() if raw_NV is logits_RV else raw_NV
            self._reshape(logits_RV, rows)
        token_ids_R = self._choose(logits_RV, rows)
        answers = self._report(raw_NV, token_ids_R, rows, asking_N)
        return Sampled(token_ids_R.cpu().numpy(), answers)

    def _reshape(self, logits_RV: torch.Tensor, rows: Rows) -> None:
        # Bans come last, unlike in vLLM, so that no bias or penalty can lift one; nothing else differs.
        steps = ((Feature.BIASED, bias), (Feature.PENALISED, penalise), (Feature.BANNED, ban))
        for feature, step in steps:
            rows_N = self._table.rows_with(feature, rows.slots_R)
            if len(rows_N):
                step(logits_RV, rows, self._table, rows_N)

    def _choose(self, logits_RV: torch.Tensor, rows: Rows) -> torch.Tensor:
        features_R = self._table.features_S[rows.slots_R]
        random_R, filtered_R = ((features_R & f) > 0 for f in (Feature.RANDOM, Feature.FILTERED))
        if not random_R.any():
            return argmax(logits_RV)
        token_ids_R = torch.zeros(len(features_R), dtype=torch.int64, device=logits_RV.device)
        for rows_R, choose in (
            (~random_R, self._take_best),
            (random_R & ~filtered_R, self._draw),
            (filtered_R, self._draw_filtered),
        ):
            if rows_R.any():
                index_N = np.flatnonzero(rows_R)
                token_ids_R[_on(logits_RV, index_N)] = choose(logits_RV, rows, index_N)
        return token_ids_R

    def _take_best(self, logits_RV: torch.Tensor, rows: Rows, index_N: Ints) -> torch.Tensor:
        return argmax(select(logits_RV, _on(logits_RV, index_N)))

    def _draw(self, logits_RV: torch.Tensor, rows: Rows, index_N: Ints) -> torch.Tensor:
        temperature_N = _on(logits_RV, self._table.temperature_S[rows.slots_R[index_N]])
        uniform_N = self._uniforms(logits_RV, rows, index_N)
        return draw(logits_RV, _on(logits_RV, index_N), temperature_N, uniform_N)

    def _draw_filtered(self, logits_RV: torch.Tensor, rows: Rows, index_N: Ints) -> torch.Tensor:
        table, slots_N = self._table, rows.slots_R[index_N]
        filters = Filters(
            temperature_N=_on(logits_RV, table.temperature_S[slots_N]),
            top_k_N=_on(logits_RV, table.top_k_S[slots_N]),
            top_p_N=_on(logits_RV, table.top_p_S[slots_N]),
            min_p_N=_on(logits_RV, table.min_p_S[slots_N]),
            uniform_N=self._uniforms(logits_RV, rows, index_N),
        )
        return draw_filtered(logits_RV, _on(logits_RV, index_N), filters)

    def _uniforms(self, logits_RV: torch.Tensor, rows: Rows, index_N: Ints) -> torch.Tensor:
        seeds_N = self._table.seed_S[rows.slots_R[index_N]]
        return _on(logits_RV, uniforms(seeds_N, rows.lengths_R[index_N]))

    def _report(
        self, raw_NV: torch.Tensor, token_ids_R: torch.Tensor, rows: Rows, asking_N: Ints
    ) -> list[tuple[int, TokenLogprobs]]:
        asked = [self._params(int(slot)) for slot in rows.slots_R[asking_N]]
        answers = row_logprobs(raw_NV, token_ids_R[_on(raw_NV, asking_N)], asked)
        return list(zip(asking_N.tolist(), answers, strict=True))

    def _params(self, slot: int) -> SamplingParams:
        return self._table.params[slot]


def _on(like: torch.Tensor, column: np.ndarray) -> torch.Tensor:
    """`column` where `like` lies."""
    return torch.from_numpy(column).to(like.device)
