"""One token for each row of logits. Knows the order of the features, none of their insides.

R rows, V vocabulary, N rows with the feature at hand.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from penstock.kernels.penalties import Penalties
from penstock.kernels.upload import upload
from penstock.protocol.sampling import SamplingParams
from penstock.workers.sampler.masks import Words, ban, bias
from penstock.workers.sampler.noise import uniforms
from penstock.workers.sampler.ops import SamplingOps, TorchSampling
from penstock.workers.sampler.params import EXTRA, HISTORY, RESHAPED, Feature, ParamTable
from penstock.workers.sampler.report import Report, report
from penstock.workers.sampler.rows import Ints, Rows


@dataclass(frozen=True, slots=True)
class Sampled:
    """The tokens and the reports of rows that asked lie where the logits do; `failures` pairs a row with why it cannot
    go on."""

    token_ids_R: torch.Tensor
    reports: list[Report]
    failures: list[tuple[int, str]]


class SlotMasks(Protocol):
    """Whoever knows which tokens constrained sequences may say."""

    words_SW: Words
    """A row of bits for each slot, one for each token."""

    def ready(self, slots_N: Ints) -> npt.NDArray[np.bool_]:
        """Which of these slots have a mask for their next token; waits for it."""
        ...

    def failures(self, slots_R: Ints) -> list[tuple[int, str]]:
        """Places in `slots_R` of sequences that can say nothing more, and why; known since `ready`."""
        ...


class Sampler:
    """Holds the sampling parameters of every slot; keeps nothing else from step to step."""

    def __init__(
        self, num_slots: int, ops: SamplingOps | None = None, masks: SlotMasks | None = None
    ) -> None:
        self._table = ParamTable(num_slots)
        self._ops = ops or TorchSampling()
        self._masks = masks

    def start(self, slot: int, params: SamplingParams) -> None:
        """`slot` belongs to a new sequence."""
        self._table.start(slot, params)

    def reads_history(self, slots_R: Ints) -> bool:
        """Whether `sample` has to know all tokens of one of these: their penalties, bans or masks depend on them."""
        return bool((self._table.features_S[slots_R] & HISTORY).any())

    def sample(self, logits_RV: torch.Tensor, rows: Rows) -> Sampled:
        """Samples each row. Overwrites the logits."""
        features_R = self._table.features_S[rows.slots_R]
        used = int(np.bitwise_or.reduce(features_R))
        if not used & EXTRA:
            return Sampled(self._choose(logits_RV, rows, used), [], [])
        if not used & Feature.LOGPROBS:
            self._reshape(logits_RV, rows, features_R, used)
            return Sampled(self._choose(logits_RV, rows, used), [], self._failures(rows))
        asking_N = _rows_with(Feature.LOGPROBS, features_R)
        raw_RV, rows_N = logits_RV, asking_N
        if used & RESHAPED:
            raw_RV = logits_RV[upload(asking_N, logits_RV.device)]
            rows_N = np.arange(len(asking_N))
            self._reshape(logits_RV, rows, features_R, used)
        token_ids_R = self._choose(logits_RV, rows, used)
        reports = self._report(raw_RV, rows_N, token_ids_R, asking_N, rows)
        return Sampled(token_ids_R, reports, self._failures(rows))

    def _report(
        self, raw_RV: torch.Tensor, rows_N: Ints, token_ids_R: torch.Tensor, asking_N: Ints,
        rows: Rows,
    ) -> list[Report]:  # fmt: skip
        """`rows_N` are the asking rows' in `raw_RV`; the answer names them as `rows` does."""
        asked = [self._table.params[slot] for slot in rows.slots_R[asking_N].tolist()]
        token_ids_N = token_ids_R[upload(asking_N, token_ids_R.device)]
        found = report(self._ops, raw_RV, rows_N, token_ids_N, asked)
        return [Report(asking_N[places].tolist(), columns) for places, columns in found]

    def _failures(self, rows: Rows) -> list[tuple[int, str]]:
        return self._masks.failures(rows.slots_R) if self._masks else []

    def _reshape(self, logits_RV: torch.Tensor, rows: Rows, features_R: Ints, used: int) -> None:
        # Bans come late, unlike in vLLM, so that no bias or penalty can lift one; a mask has the last word.
        if used & Feature.BIASED:
            bias(logits_RV, rows, self._table, _rows_with(Feature.BIASED, features_R))
        if used & Feature.PENALISED:
            rows_N = _rows_with(Feature.PENALISED, features_R)
            self._ops.penalise(logits_RV, rows.tokens_SL, self._penalties(rows, rows_N))
        if used & Feature.BANNED:
            ban(logits_RV, rows, self._table, _rows_with(Feature.BANNED, features_R))
        if used & Feature.CONSTRAINED:
            self._constrain(logits_RV, rows, _rows_with(Feature.CONSTRAINED, features_R))

    def _constrain(self, logits_RV: torch.Tensor, rows: Rows, rows_N: Ints) -> None:
        assert self._masks is not None, "a worker without grammars was given a constraint"
        rows_N = rows_N[self._masks.ready(rows.slots_R[rows_N])]
        if len(rows_N):
            slots_N = rows.slots_R[rows_N]
            self._ops.constrain(logits_RV, self._masks.words_SW, rows_N, slots_N)

    def _penalties(self, rows: Rows, rows_N: Ints) -> Penalties:
        penalties_N = self._table.penalties_S[rows.slots_R[rows_N]]
        penalties_N["row"] = rows_N
        penalties_N["num_prompt"] = rows.num_prompt_R[rows_N]
        penalties_N["num_tokens"] = rows.lengths_R[rows_N]
        return penalties_N

    def _choose(self, logits_RV: torch.Tensor, rows: Rows, used: int) -> torch.Tensor:
        draws_R = self._table.draws_S[rows.slots_R]
        if used & Feature.RANDOM:
            draws_R["uniform"] = uniforms(self._table.seed_S[rows.slots_R], rows.lengths_R)
        return self._ops.choose(logits_RV, draws_R)


def _rows_with(feature: Feature, features_R: Ints) -> Ints:
    return np.flatnonzero(features_R & int(feature))
