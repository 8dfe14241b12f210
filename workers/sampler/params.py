"""Sampling parameters as columns by slot. Knows which features a slot uses, not what they do to logits.

S slots, R rows of one step.
"""

import enum
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from penstock.kernels.draws import DRAW
from penstock.kernels.penalties import PENALTY
from penstock.protocol.sampling import SamplingParams
from penstock.workers.sampler.rows import Ints

Floats = npt.NDArray[np.float64]
_SEED_BITS = (1 << 64) - 1


class Feature(enum.IntFlag):
    """What a row costs beyond an argmax."""

    RANDOM = 1
    BIASED = 2
    PENALISED = 4
    BANNED = 8
    LOGPROBS = 16
    CONSTRAINED = 32


RESHAPED = int(Feature.BIASED | Feature.PENALISED | Feature.BANNED | Feature.CONSTRAINED)
HISTORY = int(Feature.PENALISED | Feature.BANNED | Feature.CONSTRAINED)
"""What depends on the tokens before."""
EXTRA = RESHAPED | int(Feature.LOGPROBS)


@dataclass(frozen=True, slots=True)
class Lists:
    """The parameters that are lists of ids, ready to be concatenated."""

    biased_ids: Ints
    biases: Floats
    allowed_ids: Ints
    bad_ids: Ints
    stop_ids: Ints


class ParamTable:
    """One record or column per slot, so that a step reads all its rows with one gather."""

    def __init__(self, num_slots: int) -> None:
        self.features_S = np.zeros(num_slots, dtype=np.int64)
        self.seed_S = np.zeros(num_slots, dtype=np.uint64)
        self.draws_S = np.zeros(num_slots, dtype=DRAW)
        self.penalties_S = np.zeros(num_slots, dtype=PENALTY)
        self.params: dict[int, SamplingParams] = {}
        self.lists: dict[int, Lists] = {}

    def start(self, slot: int, params: SamplingParams) -> None:
        """`slot` samples by `params` from now on."""
        self.params[slot] = params
        self.lists[slot] = _lists_of(params)
        self.features_S[slot] = int(features_of(params))
        self.seed_S[slot] = params.seed & _SEED_BITS
        self.draws_S[slot] = (params.temperature, params.top_p, params.min_p, 0.0, params.top_k)
        self.penalties_S[slot] = (0, slot, 0, 0, *_penalties_of(params))


def features_of(params: SamplingParams) -> Feature:
    """The features that `params` switches on."""
    uses = {
        Feature.RANDOM: not params.is_greedy,
        Feature.BIASED: params.logit_bias,
        Feature.PENALISED: _penalties_of(params) != (1, 0, 0),
        Feature.BANNED: params.allowed_token_ids or params.bad_words or params.min_tokens,
        Feature.LOGPROBS: params.logprobs is not None or params.logprob_token_ids,
        Feature.CONSTRAINED: is_guided(params),
    }
    return Feature(sum(feature for feature, used in uses.items() if used))


def is_guided(params: SamplingParams) -> bool:
    """Whether there may be masks. Thinking without a bound needs nobody to follow it."""
    has_budget = params.thinking is not None and params.thinking.budget >= 0
    return params.constraint is not None or has_budget


def _penalties_of(params: SamplingParams) -> tuple[float, float, float]:
    return params.repetition_penalty, params.frequency_penalty, params.presence_penalty


def _lists_of(params: SamplingParams) -> Lists:
    return Lists(
        biased_ids=np.array(list(params.logit_bias), dtype=np.int64),
        biases=np.array(list(params.logit_bias.values()), dtype=np.float64),
        allowed_ids=np.array(params.allowed_token_ids, dtype=np.int64),
        bad_ids=np.array([word[0] for word in params.bad_words if len(word) == 1], dtype=np.int64),
        stop_ids=np.array(params.eos_token_ids + params.stop_token_ids, dtype=np.int64),
    )
