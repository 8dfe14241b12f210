"""One token for each row of logits. Knows the order of the features, none of their insides.

A constrained row draws as if it were free. Where that token may not come, it draws once more, among those that may.
So each token comes as often as if all others had been shut out before, and where a model says what it should, nobody
has to find out what else it might have said. With filters, a first draw is one among those that they leave of all.

R rows, V vocabulary, N rows with the feature at hand, A rows that draw again.
"""

from dataclasses import dataclass

import numpy as np
import torch

from penstock.kernels.draws import Draws
from penstock.kernels.penalties import Penalties
from penstock.kernels.upload import upload
from penstock.protocol.sampling import SamplingParams
from penstock.workers.sampler.held import SlotChecks, SlotMasks
from penstock.workers.sampler.masks import ban, bias
from penstock.workers.sampler.noise import AGAIN, uniforms
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


_RANDOM, _BIASED, _PENALISED, _BANNED, _LOGPROBS, _CONSTRAINED = map(int, Feature)
"""An IntFlag makes an object of every `&`, which steps of few rows notice."""


class Sampler:
    """Holds the sampling parameters of every slot; keeps nothing else from step to step.

    Constraints are `checks` where the tokens are at hand once they are drawn, and `masks` elsewhere.
    """

    def __init__(
        self, num_slots: int, ops: SamplingOps | None = None, masks: SlotMasks | None = None,
        checks: SlotChecks | None = None,
    ) -> None:  # fmt: skip
        self._table = ParamTable(num_slots)
        self._ops = ops or TorchSampling()
        self._held = checks or masks
        self._masks = masks
        self._checks = checks

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
        if not used & _LOGPROBS:
            token_ids_R = self._draw(logits_RV, rows, features_R, used)
            return Sampled(token_ids_R, [], self._failures(rows))
        asking_N = _rows_with(_LOGPROBS, features_R)
        raw_RV, rows_N = logits_RV, asking_N
        if used & RESHAPED:
            raw_RV = logits_RV[upload(asking_N, logits_RV.device)]
            rows_N = np.arange(len(asking_N))
        token_ids_R = self._draw(logits_RV, rows, features_R, used)
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
        return self._held.failures(rows.slots_R) if self._held else []

    def _draw(
        self, logits_RV: torch.Tensor, rows: Rows, features_R: Ints, used: int
    ) -> torch.Tensor:
        self._reshape(logits_RV, rows, features_R, used)
        if not used & _CONSTRAINED:
            return self._choose(logits_RV, rows, used)
        draws_R, again_R = self._two_draws(rows, used)
        token_ids_R = self._ops.choose(logits_RV, draws_R)
        rows_N = _rows_with(_CONSTRAINED, features_R)
        hold = self._hold_to_checks if self._checks else self._hold_to_masks
        hold(logits_RV, rows.slots_R, rows_N, token_ids_R, again_R)
        return token_ids_R

    def _reshape(self, logits_RV: torch.Tensor, rows: Rows, features_R: Ints, used: int) -> None:
        # Bans come late, unlike in vLLM, so that no bias or penalty can lift one; a constraint has the last word.
        if used & _BIASED:
            bias(logits_RV, rows, self._table, _rows_with(_BIASED, features_R))
        if used & _PENALISED:
            rows_N = _rows_with(_PENALISED, features_R)
            self._ops.penalise(logits_RV, rows.tokens_SL, self._penalties(rows, rows_N))
        if used & _BANNED:
            ban(logits_RV, rows, self._table, _rows_with(_BANNED, features_R))

    def _hold_to_checks(
        self, logits_RV: torch.Tensor, slots_R: Ints, rows_N: Ints, token_ids_R: torch.Tensor,
        again_R: Draws,
    ) -> None:  # fmt: skip
        """Writes into `token_ids_R`, which is at hand."""
        checks = self._checks
        assert checks is not None
        ids_R = token_ids_R.numpy()
        rows_A = rows_N[checks.refused(slots_R[rows_N], ids_R[rows_N])]
        if len(rows_A):
            slots_A = slots_R[rows_A]
            second_A = self._ops.choose_among(
                logits_RV, checks.words_SW, rows_A, slots_A, again_R[rows_A]
            )
            ids_R[rows_A] = second_A.numpy()
            checks.push(slots_A, ids_R[rows_A])

    def _hold_to_masks(
        self, logits_RV: torch.Tensor, slots_R: Ints, rows_N: Ints, token_ids_R: torch.Tensor,
        again_R: Draws,
    ) -> None:  # fmt: skip
        """Writes into `token_ids_R`, which nobody waits for."""
        masks = self._masks
        assert masks is not None, "a worker without grammars was given a constraint"
        rows_A = rows_N[masks.ready(slots_R[rows_N])]
        if not len(rows_A):
            return
        index_A = upload(rows_A, logits_RV.device)
        first_A = token_ids_R[index_A]
        second_A = self._ops.choose_among(
            logits_RV, masks.words_SW, rows_A, slots_R[rows_A], again_R[rows_A]
        )
        may_come_A = logits_RV[index_A, first_A] > -torch.inf
        token_ids_R[index_A] = torch.where(may_come_A, first_A, second_A)

    def _two_draws(self, rows: Rows, used: int) -> tuple[Draws, Draws]:
        """Two numbers take little more time than one, if both are asked for at once."""
        draws_R = self._table.draws_S[rows.slots_R]
        again_R = draws_R.copy()
        if used & _RANDOM:
            seeds_R, positions_R = self._table.seed_S[rows.slots_R], rows.lengths_R
            both = uniforms(
                np.concatenate((seeds_R, seeds_R ^ AGAIN)),
                np.concatenate((positions_R, positions_R)),
            )
            draws_R["uniform"], again_R["uniform"] = both[: len(draws_R)], both[len(draws_R) :]
        return draws_R, again_R

    def _penalties(self, rows: Rows, rows_N: Ints) -> Penalties:
        penalties_N = self._table.penalties_S[rows.slots_R[rows_N]]
        penalties_N["row"] = rows_N
        penalties_N["num_prompt"] = rows.num_prompt_R[rows_N]
        penalties_N["num_tokens"] = rows.lengths_R[rows_N]
        return penalties_N

    def _choose(self, logits_RV: torch.Tensor, rows: Rows, used: int) -> torch.Tensor:
        draws_R = self._table.draws_S[rows.slots_R]
        if used & _RANDOM:
            draws_R["uniform"] = uniforms(self._table.seed_S[rows.slots_R], rows.lengths_R)
        return self._ops.choose(logits_RV, draws_R)


def _rows_with(feature: int, features_R: Ints) -> Ints:
    return np.flatnonzero(features_R & feature)
