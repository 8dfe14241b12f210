"""Checks a request's sampling parameters and makes SamplingParams of them. Knows no prompt but its length.

A value comes from the request, else from the model's own defaults, else from the API's.
"""

import math
import secrets
from typing import Any, NamedTuple

import msgspec

from penstock.frontend import token_params
from penstock.frontend.api.fields import SamplingFields, StopField
from penstock.frontend.bounds import Bounds
from penstock.frontend.defaults import SamplingDefaults
from penstock.frontend.errors import ApiError, bad_request
from penstock.frontend.structured import constraint_of
from penstock.frontend.token_params import Encode
from penstock.protocol.constraint import Constraint, Thinking
from penstock.protocol.sampling import SamplingParams

GREEDY_BELOW = 1e-5
LOWEST_TEMPERATURE = 0.01
"""Below it, logits divided by the temperature overflow; vLLM raises to it as well."""
MAX_STOP_CHARS = 1 << 14
_INT64 = 1 << 63
_SEED_MASK = _INT64 - 1


class Range(NamedTuple):
    """What a sampling parameter may be, and is by default."""

    default: float
    low: float
    high: float
    words: str
    open_below: bool = False

    def __contains__(self, value: object) -> bool:
        assert isinstance(value, float | int)
        above = value > self.low if self.open_below else value >= self.low
        return math.isfinite(value) and above and value <= self.high

    @property
    def is_open_above(self) -> bool:
        return self.high == math.inf


RANGES = {
    "temperature": Range(1.0, 0, 2, "in [0, 2]"),
    "top_p": Range(1.0, 0, 1, "in (0, 1]", open_below=True),
    "min_p": Range(0.0, 0, 1, "in [0, 1]"),
    "presence_penalty": Range(0.0, -2, 2, "in [-2, 2]"),
    "frequency_penalty": Range(0.0, -2, 2, "in [-2, 2]"),
    "repetition_penalty": Range(1.0, 0, math.inf, "greater than zero", open_below=True),
}


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What each API spells in its own way, already understood."""

    max_tokens: int | None
    max_tokens_name: str = "max_tokens"
    """What the client calls it."""
    logprobs: int | None
    logprobs_name: str = "logprobs"
    prompt_logprobs: int | None
    constraint: Constraint | msgspec.UnsetType | None = msgspec.UNSET
    """In place of what the body's fields for structured output ask for, unless it is unset."""
    leaves_text: bool = False
    """Whether the constraint leaves text free, so that what cuts text cuts it as well."""
    thinking: Thinking | None = None
    end_ids: tuple[int, ...] = ()
    """End the answer as the model's EOS does."""


class ParamsMaker:
    """Turns fields into SamplingParams for one model."""

    def __init__(
        self, defaults: SamplingDefaults, eos_token_ids: tuple[int, ...], encode: Encode
    ) -> None:
        self._defaults = defaults
        self._eos_token_ids = eos_token_ids
        self._encode = encode

    def make(self, fields: SamplingFields, wanted: Wanted, bounds: Bounds) -> SamplingParams:
        """Raises ApiError. `max_tokens` is what was asked for; `fit` clamps it to a prompt."""
        vocab_size = bounds.vocab_size
        return SamplingParams(
            **self._distribution(fields, vocab_size),
            **self._lengths(fields, wanted, bounds),
            **self._endings(fields, wanted, vocab_size),
            **_logprobs(fields, wanted, bounds),
            seed=seed(fields.seed),
            logit_bias=token_params.logit_bias(fields.logit_bias, vocab_size),
            allowed_token_ids=token_params.allowed_token_ids(fields.allowed_token_ids, vocab_size),
            bad_words=token_params.bad_words(fields.bad_words, self._encode, vocab_size),
        )

    def _lengths(self, fields: SamplingFields, wanted: Wanted, bounds: Bounds) -> dict[str, Any]:
        max_tokens = self._max_tokens(wanted, bounds)
        return {
            "max_tokens": max_tokens,
            "min_tokens": _min_tokens(fields.min_tokens, max_tokens),
        }

    def _endings(self, fields: SamplingFields, wanted: Wanted, vocab_size: int) -> dict[str, Any]:
        """A constrained answer ends where its constraint says so, and nowhere else; but for what is free text."""
        constraint = wanted.constraint
        if constraint is msgspec.UNSET:
            constraint = constraint_of(fields)
        stop_ids = token_params.token_ids("stop_token_ids", fields.stop_token_ids, vocab_size)
        eos_ids = tuple(dict.fromkeys((*self._eos_token_ids, *wanted.end_ids)))
        if constraint is not None and not eos_ids:
            raise bad_request(
                "This model has no token that ends an answer, so none can be constrained."
            )
        return {
            "constraint": constraint,
            "thinking": wanted.thinking,
            "eos_token_ids": () if fields.ignore_eos and not constraint else eos_ids,
            "stop_token_ids": () if constraint and not wanted.leaves_text else stop_ids,
        }

    def _max_tokens(self, wanted: Wanted, bounds: Bounds) -> int:
        asked, name = wanted.max_tokens, wanted.max_tokens_name
        if asked is not None and asked < 1:
            raise bad_request(f"{name} must be at least 1, got {asked}.", name, asked)
        known = (asked, self._defaults.max_new_tokens, bounds.max_model_len)
        return min(limit for limit in known if limit is not None)

    def _distribution(self, fields: SamplingFields, vocab_size: int) -> dict[str, Any]:
        values: dict[str, Any] = {name: self._number(fields, name) for name in RANGES}
        values["top_k"] = min(self._top_k(fields), vocab_size)
        values["temperature"] = _temperature(values["temperature"])
        if values["temperature"] == 0.0:
            values |= {"top_p": 1.0, "top_k": 0, "min_p": 0.0}
        return values

    def _number(self, fields: SamplingFields, name: str) -> float:
        allowed = RANGES[name]
        value = getattr(fields, name)
        if value is None:
            value = getattr(self._defaults, name, None)
        if value is None:
            return allowed.default
        if value not in allowed:
            raise bad_request(f"{name} must be {allowed.words}, got {value}.", name, value)
        return float(value)

    def _top_k(self, fields: SamplingFields) -> int:
        value = fields.top_k if fields.top_k is not None else self._defaults.top_k or 0
        if value < -1:
            raise bad_request(
                f"top_k must be 0 (disable), or at least 1, got {value}.", "top_k", value
            )
        return max(value, 0)


def fit(params: SamplingParams, num_prompt: int, bounds: Bounds) -> SamplingParams:
    """Clamps the output to what the context leaves. Raises ApiError when it leaves nothing."""
    room = bounds.max_model_len - num_prompt
    if room < 1:
        raise too_long(str(num_prompt), bounds.max_model_len)
    if room >= params.max_tokens:
        return params
    return msgspec.structs.replace(params, max_tokens=room, min_tokens=min(params.min_tokens, room))


def too_long(num_prompt: str, max_model_len: int) -> ApiError:
    return bad_request(
        f"This model's maximum context length is {max_model_len} tokens. However, your "
        f"prompt contains {num_prompt} input tokens, which leaves no room for an output token. "
        "Please reduce the length of the input.",
        "input_tokens",
    )


def stop_strings(stop: StopField, most: int) -> tuple[str, ...]:
    stops = (stop,) if isinstance(stop, str) else tuple(stop or ())
    if len(stops) > most:
        raise bad_request(f"stop: at most {most} strings, got {len(stops)}", "stop")
    if not all(stops):
        raise bad_request("stop cannot contain an empty string.", "stop", stop)
    if any(len(text) > MAX_STOP_CHARS for text in stops):
        raise bad_request(f"stop: at most {MAX_STOP_CHARS} characters each", "stop")
    return stops


def seed(asked: int | None) -> int:
    """The request's own, or a random one: a request that names none is not to be repeatable."""
    if asked is None or asked == -1:
        return secrets.randbits(63)
    if not -_INT64 <= asked < _INT64:
        raise bad_request("seed must be a 64-bit integer.", "seed", asked)
    return asked & _SEED_MASK


def nth_seed(first: int, choice: int) -> int:
    """Choice 0 has the request's own seed, so that n=1 equals the first of n=2."""
    return (first + choice) & _SEED_MASK


def _temperature(value: float) -> float:
    return 0.0 if value < GREEDY_BELOW else max(value, LOWEST_TEMPERATURE)


def _min_tokens(asked: int | None, max_tokens: int) -> int:
    value = asked or 0
    if value < 0:
        raise bad_request(f"min_tokens must be at least 0, got {value}.", "min_tokens", value)
    if value > max_tokens:
        raise bad_request(
            f"min_tokens must be less than or equal to max_tokens={max_tokens}, got {value}.",
            "min_tokens",
            value,
        )
    return value


def _logprobs(fields: SamplingFields, wanted: Wanted, bounds: Bounds) -> dict[str, Any]:
    logprobs = _num_logprobs(wanted.logprobs_name, "sample", wanted.logprobs, bounds)
    named = token_params.logprob_token_ids(fields.logprob_token_ids, logprobs, bounds.vocab_size)
    return {
        "logprobs": logprobs,
        "prompt_logprobs": _num_logprobs(
            "prompt_logprobs", "prompt", wanted.prompt_logprobs, bounds
        ),
        "logprob_token_ids": named,
    }


def _num_logprobs(param: str, kind: str, asked: int | None, bounds: Bounds) -> int | None:
    if asked is None:
        return None
    if asked < -1:
        raise bad_request(f"{param} must be at least 0, or -1 for all, got {asked}.", param, asked)
    most = bounds.vocab_size if bounds.max_logprobs == -1 else bounds.max_logprobs
    if (bounds.vocab_size if asked == -1 else asked) > most:
        raise bad_request(
            f"Requested {kind} logprobs of {asked}, which is greater than max allowed: {most}",
            param,
            asked,
        )
    return asked
