"""One token for each row of logits. Knows the order of the features, none of their insides.

R rows, V vocabulary, N rows with the feature at hand.
"""

from dataclasses import dataclass

import numpy as np
import torch

from penstock.kernels.penalties import Penalties
from penstock.protocol.messages import TokenLogprobs
from penstock.protocol.sampling import SamplingParams
from penstock.workers.sampler.masks import ban, bias
from penstock.workers.sampler.noise import uniforms
from penstock.workers.sampler.ops import SamplingOps, TorchSampling
from penstock.workers.sampler.params import EXTRA, RESHAPED, Feature, ParamTable
from penstock.workers.sampler.report import report
from penstock.workers.sampler.rows import Ints, Rows


@dataclass(frozen=True, slots=True)
class Sampled:
    """`logprobs` pairs a row with its answer, for the rows that asked."""

    token_ids_R: Ints
    logprobs: list[tuple[int, TokenLogprobs]]


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
        raw_RV, rows_N = logits_RV, asking_N
        if used & RESHAPED:
            raw_RV, rows_N = logits_RV[asking_N], np.arange(len(asking_N))
            self._reshape(logits_RV, rows, features_R)
        token_ids_R = self._choose(logits_RV, rows, used)
        asked = [self._table.params[slot] for slot in rows.slots_R[asking_N].tolist()]
        answers = report(self._ops, raw_RV, rows_N, token_ids_R[asking_N], asked)
        return Sampled(token_ids_R, list(zip(asking_N.tolist(), answers, strict=True)))

    def _reshape(self, logits_RV: torch.Tensor, rows: Rows, features_R: Ints) -> None:
        # Bans come last, unlike in vLLM, so that no bias or penalty can lift one; nothing else differs.
        if len(rows_N := _rows_with(Feature.BIASED, features_R)):
            bias(logits_RV, rows, self._table, rows_N)
        if len(rows_N := _rows_with(Feature.PENALISED, features_R)):
            self._ops.penalise(logits_RV, rows.tokens_SL, self._penalties(rows, rows_N))
        if len(rows_N := _rows_with(Feature.BANNED, features_R)):
            ban(logits_RV, rows, self._table, rows_N)

    def _penalties(self, rows: Rows, rows_N: Ints) -> Penalties:
        penalties_N = self._table.penalties_S[rows.slots_R[rows_N]]
        penalties_N["row"] = rows_N
        penalties_N["num_prompt"] = rows.num_prompt_R[rows_N]
        penalties_N["num_tokens"] = rows.lengths_R[rows_N]
        return penalties_N

    def _choose(self, logits_RV: torch.Tensor, rows: Rows, used: int) -> Ints:
        draws_R = self._table.draws_S[rows.slots_R]
        if used & Feature.RANDOM:
            draws_R["uniform"] = uniforms(self._table.seed_S[rows.slots_R], rows.lengths_R)
        return self._ops.choose(logits_RV, draws_R)


def _rows_with(feature: Feature, features_R: Ints) -> Ints:
    return np.flatnonzero(features_R & int(feature))
