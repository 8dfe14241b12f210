"""Checks a whole request against the model's limits. What it returns is trusted ever after.

Only a `ValidRequest` can be sent on, and only a `Validator` makes one. Knows no HTTP and no JSON.
"""

import time
from typing import NamedTuple, Self

import msgspec
from msgspec.structs import replace

from penstock.frontend import asked_fields, repetition
from penstock.frontend.api.fields import RepetitionDetection, SharedFields
from penstock.frontend.beams.asked import Beams, beams
from penstock.frontend.bounds import Bounds
from penstock.frontend.choices import choices
from penstock.frontend.deadline import shortest
from penstock.frontend.encoding import Prompt
from penstock.frontend.errors import bad_request
from penstock.frontend.params import ParamsMaker, Wanted, fit, stop_strings
from penstock.protocol.sampling import SamplingParams
from penstock.protocol.settings import FrontendSettings

MAX_USER_CHARS = 64


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of who asks, besides the body."""

    name: str
    """The request's id."""
    arrived_s: float
    """On time.monotonic's clock."""
    tenant: str = ""
    subject: str = ""
    """Whose limits hold."""
    priority: int | None = None
    """From the X-Vllm-Priority header; wins over the body's."""
    timeout_s: float | None = None
    """From the X-Request-Timeout header."""


class ValidPrompt(msgspec.Struct, frozen=True, kw_only=True):
    """One prompt, and the parameters fitted to its length."""

    ids: list[int]
    text: str | None
    params: SamplingParams


class ValidRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the engine and the text streams need to serve a request."""

    name: str
    arrived_s: float
    prompts: list[ValidPrompt]
    n: int
    """Choices of each prompt that are answered."""
    best_of: int
    """Sequences of each prompt that are sampled: n, or more of which the likeliest n are answered."""
    beams: Beams | None
    """Search for the likeliest sequences instead of sampling them."""
    repetition: RepetitionDetection | None
    stop: tuple[str, ...]
    include_stop: bool
    skip_special_tokens: bool
    spaces_between_special_tokens: bool
    shown_ids: frozenset[int] = frozenset()
    """Special tokens that are shown even so: what marks the parts of an answer."""
    tells_parts: bool = False
    """Whether pieces tell each token's text."""
    stream: bool
    stream_interval: int
    priority: int
    cache_salt: str
    tenant: str
    deadline_s: float
    """Seconds within which the first token must come; 0 is no deadline."""
    timeout_s: float = 0.0
    """Seconds from `arrived_s` within which the answer must be complete; 0 is no deadline."""
    subject: str = ""
    """Whose limits hold."""
    reservation: int = 0
    """The place under them, once there is one."""
    tokenized_s: float = 0.0
    """When the prompts were; on the clock of `arrived_s`."""
    answer_id: str = ""
    """What the answer will be called."""

    @property
    def num_choices(self) -> int:
        return len(self.prompts) * self.n

    def num_possible(self, prompt: ValidPrompt) -> int:
        """Most tokens that the engine may generate for one of the prompts."""
        if self.beams is not None:
            return self.beams.width * prompt.params.max_tokens
        return (1 if prompt.params.is_greedy else self.best_of) * prompt.params.max_tokens


class _Sequences(NamedTuple):
    """See `ValidRequest`."""

    prompts: list[ValidPrompt]
    n: int
    best_of: int
    beams: Beams | None
    stop: tuple[str, ...]


class Rules(msgspec.Struct, frozen=True):
    """What this front end was told to enforce."""

    max_stop_strings: int = 4
    stream_interval: int = 1
    request_timeout_s: float | None = None
    max_queue_time_s: float | None = None

    @classmethod
    def of(cls, settings: FrontendSettings) -> Self:
        return cls(*(getattr(settings, name) for name in cls.__struct_fields__))


class Validator:
    """Holds requests to the rules of one front end and the limits of its engine."""

    def __init__(self, params: ParamsMaker, rules: Rules) -> None:
        self._params = params
        self._rules = rules

    def validate(
        self,
        asked: SharedFields,
        wanted: Wanted,
        prompts: list[Prompt],
        caller: Caller,
        bounds: Bounds,
    ) -> ValidRequest:
        """Raises ApiError."""
        sequences = self._sequences(asked, wanted, prompts, bounds)
        timeout_s = shortest(
            asked_fields.timeout_s(asked), caller.timeout_s, self._rules.request_timeout_s
        )
        return ValidRequest(
            name=caller.name,
            arrived_s=caller.arrived_s,
            prompts=sequences.prompts,
            n=sequences.n,
            best_of=sequences.best_of,
            beams=sequences.beams,
            repetition=repetition.checked(asked.repetition_detection),
            stop=sequences.stop,
            include_stop=bool(asked.include_stop_str_in_output),
            skip_special_tokens=asked.skip_special_tokens is not False,
            spaces_between_special_tokens=asked.spaces_between_special_tokens is not False,
            stream=asked_fields.is_streamed(asked),
            stream_interval=max(asked_fields.interval(asked), self._rules.stream_interval),
            priority=asked_fields.priority(asked, caller.priority),
            cache_salt=asked_fields.cache_salt(asked.cache_salt),
            tenant=caller.tenant or (asked.user or "")[:MAX_USER_CHARS],
            deadline_s=shortest(timeout_s, self._rules.max_queue_time_s),
            timeout_s=timeout_s,
            subject=caller.subject,
            tokenized_s=time.monotonic(),
        )

    def _sequences(
        self, asked: SharedFields, wanted: Wanted, prompts: list[Prompt], bounds: Bounds
    ) -> _Sequences:
        params = self._params.make(asked, wanted, bounds)
        n, best_of = choices(asked, len(prompts), params.is_greedy, bounds)
        wish = beams(asked, best_of, params, bounds)
        if wish is None and best_of > n and params.logprobs is None:
            params = replace(params, logprobs=0)
        cut = [_truncated(prompt, asked, wanted.max_tokens, bounds) for prompt in prompts]
        stops = stop_strings(asked.stop, self._rules.max_stop_strings)
        return _Sequences(
            prompts=[_fitted(prompt, params, bounds) for prompt in cut],
            n=n,
            best_of=best_of if wish is None else n,
            beams=wish,
            stop=stops if wanted.leaves_text or not params.constraint else (),
        )


def _fitted(prompt: Prompt, params: SamplingParams, bounds: Bounds) -> ValidPrompt:
    if not prompt.ids:
        raise bad_request("The prompt is empty.", "prompt")
    fitted = fit(params, len(prompt.ids), bounds)  # first, or millions of ids would be looked at
    unknown = next((i for i in prompt.ids if not 0 <= i < bounds.vocab_size), None)
    if unknown is not None:
        raise bad_request(
            f"Token id {unknown} is out of vocabulary. Vocabulary size: {bounds.vocab_size}",
            "prompt",
        )
    return ValidPrompt(ids=prompt.ids, text=prompt.text, params=fitted)


def _truncated(
    prompt: Prompt, asked: SharedFields, max_tokens: int | None, bounds: Bounds
) -> Prompt:
    keep = _num_kept(asked.truncate_prompt_tokens, max_tokens, bounds)
    side = asked.truncation_side or "left"
    if side not in ("left", "right"):
        raise bad_request("truncation_side must be 'left' or 'right'.", "truncation_side", side)
    if keep is None or len(prompt.ids) <= keep:
        return prompt
    return Prompt(prompt.ids[-keep:] if side == "left" else prompt.ids[:keep])


def _num_kept(asked: int | None, max_tokens: int | None, bounds: Bounds) -> int | None:
    """-1 leaves room for the output; one that is unbounded, or wants it all, has room for a token."""
    name = "truncate_prompt_tokens"
    if asked is None:
        return None
    if asked == -1:
        room = bounds.max_model_len - (max_tokens or 1)
        return room if room > 0 else bounds.max_model_len - 1
    if asked < 1:
        raise bad_request(f"{name} must be -1 or at least 1, got {asked}.", name, asked)
    if asked > bounds.max_model_len:
        raise bad_request(
            f"{name}={asked} cannot be greater than max_model_len = {bounds.max_model_len}.",
            name,
            asked,
        )
    return asked
