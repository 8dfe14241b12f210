"""One token for each row of logits. Knows the order of the features, none of their insides.

R rows, V vocabulary, N rows with the feature at hand.
"""

from dataclasses import dataclass

import numpy as np
import torch

from penstock.protocol.messages import TokenLogprobs
from penstock.protocol.sampling import SamplingParams
from penstock.workers.sampler.head import select
from penstock.workers.sampler.logprobs import row_logprobs
from penstock.workers.sampler.masks import ban, bias
from penstock.workers.sampler.noise import uniforms
from penstock.workers.sampler.ops import SamplingOps, TorchSampling
from penstock.workers.sampler.params import EXTRA, RESHAPED, Feature, ParamTable
from penstock.workers.sampler.penalties import penalise
from penstock.workers.sampler.rows import Ints, Rows

Answers = list[tuple[int, TokenLogprobs]]


@dataclass(frozen=True, slots=True)
class Sampled:
    """`logprobs` pairs a row with its answer, for the rows that asked."""

    token_ids_R: Ints
    logprobs: Answers


class Sampler:
    """Holds the sampling parameters of every slot; keeps nothing else from step to step."""

    def __init__(self, num_slots: int, ops: SamplingOps | None = None) -> None:
        self._table = ParamTable(num_slots)
        self._ops = ops or TorchSampling()

    def start(self, slot: int, params: SamplingParams) -> None:
        """`slot` belongs to a new sequence."""
        self._table.start(slot, params)

    def sample(self, logits_RV: torch.Tensor, rows: Rows) -> Sampled:
        """Samples each row. Overwrites the logits."""
        features_R = self._table.features_S[rows.slots_R]
        used = int(np.bitwise_or.reduce(features_R))
        if not used & EXTRA:
            return Sampled(self._choose(logits_RV, rows, used), [])
        asking_N = _rows_with(Feature.LOGPROBS, features_R)
        raw_NV = select(logits_RV, torch.from_numpy(asking_N).to(logits_RV.device))
        if used & RESHAPED:
            raw_NV = raw_NV.clone() if raw_NV is logits_RV else raw_NV
            self._reshape(logits_RV, rows, features_R)
        token_ids_R = self._choose(logits_RV, rows, used)
        return Sampled(token_ids_R, self._report(raw_NV, token_ids_R, rows, asking_N))

    def _reshape(self, logits_RV: torch.Tensor, rows: Rows, features_R: Ints) -> None:
        # Bans come last, unlike in vLLM, so that no bias or penalty can lift one; nothing else differs.
        steps = ((Feature.BIASED, bias), (Feature.PENALISED, penalise), (Feature.BANNED, ban))
        for feature, step in steps:
            rows_N = _rows_with(feature, features_R)
            if len(rows_N):
                step(logits_RV, rows, self._table, rows_N)

    def _choose(self, logits_RV: torch.Tensor, rows: Rows, used: int) -> Ints:
        draws_R = self._table.draws_S[rows.slots_R]
        if used & Feature.RANDOM:
            draws_R["uniform"] = uniforms(self._table.seed_S[rows.slots_R], rows.lengths_R)
        return self._ops.choose(logits_RV, draws_R)

    def _report(
        self, raw_NV: torch.Tensor, token_ids_R: Ints, rows: Rows, asking_N: Ints
    ) -> Answers:
        asked = [self._table.params[slot] for slot in rows.slots_R[asking_N].tolist()]
        token_ids_N = torch.from_numpy(token_ids_R[asking_N]).to(raw_NV.device)
        return list(zip(asking_N.tolist(), row_logprobs(raw_NV, token_ids_N, asked), strict=True))


def _rows_with(feature: Feature, features_R: Ints) -> Ints:
    return np.flatnonzero(features_R & int(feature))
