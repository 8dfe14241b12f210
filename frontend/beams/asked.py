"""Checks what a request asks of a beam search. Knows fields and bounds, not how beams are searched for.

Nothing is sampled in a beam search, so temperature, top_p, top_k, min_p and seed are taken and without effect,
as in vLLM. What would change which tokens are likely, or where an answer ends, is refused.
"""

import msgspec

from penstock.frontend.api.fields import SharedFields
from penstock.frontend.beams.search import BeamRules, EarlyStopping
from penstock.frontend.bounds import Bounds
from penstock.frontend.errors import bad_request
from penstock.protocol.sampling import SamplingParams

MAX_LENGTH_PENALTY = 16.0
_WITHOUT_EFFECT: dict[str, tuple[object, ...]] = {
    "stop": (None, "", []),
    "presence_penalty": (None, 0),
    "frequency_penalty": (None, 0),
    "repetition_penalty": (None, 1),
    "logit_bias": (None, {}),
    "allowed_token_ids": (None,),
    "bad_words": (None, []),
    "logprob_token_ids": (None, []),
    "repetition_detection": (None,),
}
"""What no beam search here can do, and the values by which a request does not ask for it."""
_OF_BEAMS: dict[str, tuple[object, ...]] = {
    "length_penalty": (None, 1.0),
    "early_stopping": (None, False),
}
"""What nothing else can do."""


class Beams(msgspec.Struct, frozen=True):
    """A request's wish for a beam search."""

    width: int
    length_penalty: float
    early_stopping: EarlyStopping

    def rules(self, params: SamplingParams) -> BeamRules:
        """`params` are fitted to one prompt."""
        return BeamRules(
            width=self.width,
            max_tokens=params.max_tokens,
            min_tokens=params.min_tokens,
            end_ids=frozenset(params.eos_token_ids + params.stop_token_ids),
            length_penalty=self.length_penalty,
            early_stopping=self.early_stopping,
        )


def beams(asked: SharedFields, width: int, params: SamplingParams, bounds: Bounds) -> Beams | None:
    """None where the request wants none. Raises ApiError."""
    if not asked.use_beam_search:
        _check_unused(asked)
        return None
    if asked.stream:
        raise bad_request("Streaming is not currently supported with beam search", "stream")
    for name, idle in _WITHOUT_EFFECT.items():
        if getattr(asked, name) not in idle:
            raise bad_request(f"{name} is not supported with beam search.", name)
    if params.constraint is not None or params.thinking is not None:
        raise bad_request(
            "Structured output and strict tools are not supported with beam search.",
            "use_beam_search",
        )
    found = Beams(width, _length_penalty(asked), _early_stopping(asked))
    _check_width(found.rules(params), bounds)
    return found


def _check_unused(asked: SharedFields) -> None:
    for name, idle in _OF_BEAMS.items():
        if getattr(asked, name) not in idle:
            raise bad_request(f"{name} needs use_beam_search=true.", name)


def _length_penalty(asked: SharedFields) -> float:
    name, value = "length_penalty", asked.length_penalty
    if value is None:
        return 1.0
    if not -MAX_LENGTH_PENALTY <= value <= MAX_LENGTH_PENALTY:
        words = f"in [-{MAX_LENGTH_PENALTY:g}, {MAX_LENGTH_PENALTY:g}]"
        raise bad_request(f"{name} must be {words}, got {value}.", name, value)
    return value


def _early_stopping(asked: SharedFields) -> EarlyStopping:
    name, value = "early_stopping", asked.early_stopping
    if value is None or value is True or value is False:
        return bool(value)
    if value != "never":
        raise bad_request(f"{name} must be true, false or 'never'.", name, value)
    return "never"


def _check_width(rules: BeamRules, bounds: Bounds) -> None:
    most = bounds.vocab_size if bounds.max_logprobs == -1 else bounds.max_logprobs
    if rules.num_continuations > most:
        raise bad_request(
            f"A beam search of width n={rules.width} with {len(rules.end_ids)} end tokens compares "
            f"{rules.num_continuations} log probabilities of each token, which is greater than max "
            f"allowed: {most} (--max-logprobs).",
            "n",
        )
