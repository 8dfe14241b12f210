"""What programs get, in vLLM's shapes. Knows names, not how it came about."""

from dataclasses import dataclass, field

from penstock.frontend.text.logprobs import PromptLogprob as Logprob

__all__ = [
    "BeamSearchOutput",
    "BeamSearchSequence",
    "CompletionOutput",
    "Logprob",
    "Logprobs",
    "RequestMetrics",
    "RequestOutput",
]

Logprobs = list[dict[int, Logprob]]
"""Of each token: the sampled one and the likeliest, by id."""


@dataclass
class RequestMetrics:
    """When a request's tokens came."""

    arrival_time: float
    """On time.time's clock; the others are on time.monotonic's."""
    first_token_ts: float = 0.0
    last_token_ts: float = 0.0
    first_token_latency: float = 0.0
    num_generation_tokens: int = 0


@dataclass
class CompletionOutput:
    """One answer."""

    index: int
    text: str = ""
    token_ids: list[int] = field(default_factory=list)
    """With the token that ended it."""
    cumulative_logprob: float | None = None
    logprobs: Logprobs | None = None
    finish_reason: str | None = None
    """stop, length or repetition."""
    stop_reason: int | str | None = None
    """The stop string or token that ended it; None for EOS."""
    lora_request: None = None

    def finished(self) -> bool:
        return self.finish_reason is not None


@dataclass
class RequestOutput:
    """A prompt and its answers."""

    request_id: str
    prompt: str | None
    prompt_token_ids: list[int]
    prompt_logprobs: list[dict[int, Logprob] | None] | None
    """The first token has none."""
    outputs: list[CompletionOutput]
    finished: bool
    metrics: RequestMetrics
    num_cached_tokens: int = 0
    """Prompt tokens that came from the prefix cache."""
    lora_request: None = None
    encoder_prompt: None = None
    encoder_prompt_token_ids: None = None


@dataclass
class BeamSearchSequence:
    """A beam; `tokens` and `text` begin with the prompt, `logprobs` behind it."""

    tokens: list[int]
    logprobs: Logprobs
    cum_logprob: float = 0.0
    text: str | None = None
    finish_reason: str | None = None
    stop_reason: int | str | None = None
    lora_request: None = None


@dataclass
class BeamSearchOutput:
    """The beams of a prompt, best first."""

    sequences: list[BeamSearchSequence]
