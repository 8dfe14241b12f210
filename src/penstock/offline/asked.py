"""What programs ask with, spelled as vLLM spells it. Knows names and defaults; bounds are checked when it is used."""

import enum
from typing import Any

import msgspec


class RequestOutputKind(enum.Enum):
    """Taken for compatibility: a batch is answered when it is complete."""

    CUMULATIVE = 0
    DELTA = 1
    FINAL_ONLY = 2


class StructuredOutputsParams(msgspec.Struct):
    """What an answer has to match; exactly one of the first six."""

    json: str | dict[str, Any] | None = None
    regex: str | None = None
    choice: list[str] | None = None
    grammar: str | None = None
    json_object: bool | None = None
    structural_tag: str | dict[str, Any] | None = None
    disable_any_whitespace: bool = False
    disable_additional_properties: bool = False
    whitespace_pattern: str | None = None
    disable_fallback: bool = False
    """Taken and without effect: there is one engine."""


GuidedDecodingParams = StructuredOutputsParams
"""Its older name."""


class RepetitionDetectionParams(msgspec.Struct):
    """End an answer that repeats a pattern of so many tokens, `min_count` times or more in a row."""

    max_pattern_size: int = 0
    min_pattern_size: int = 0
    min_count: int = 0


class SamplingParams(msgspec.Struct):
    """How to sample the answers of a prompt. docs/offline.md describes the fields."""

    n: int = 1
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repetition_penalty: float = 1.0
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    seed: int | None = None
    stop: str | list[str] | None = None
    stop_token_ids: list[int] | None = None
    ignore_eos: bool = False
    max_tokens: int | None = 16
    """None is whatever the context leaves."""
    min_tokens: int = 0
    logprobs: int | None = None
    prompt_logprobs: int | None = None
    logprob_token_ids: list[int] | None = None
    flat_logprobs: bool = False
    """Taken and without effect: log probabilities are lists of dicts."""
    detokenize: bool = True
    skip_special_tokens: bool = True
    spaces_between_special_tokens: bool = True
    include_stop_str_in_output: bool = False
    output_kind: RequestOutputKind = RequestOutputKind.FINAL_ONLY
    structured_outputs: StructuredOutputsParams | None = None
    logit_bias: dict[int, float] | None = None
    allowed_token_ids: list[int] | None = None
    bad_words: list[str] | None = None
    thinking_token_budget: int | None = None
    """Of `chat`."""
    repetition_detection: RepetitionDetectionParams | None = None
    truncate_prompt_tokens: int | None = None
    best_of: int | None = None
    guided_decoding: StructuredOutputsParams | None = None
    """The older name of `structured_outputs`."""
    skip_reading_prefix_cache: bool | None = None
    """Taken and without effect: what is cached does not change an answer."""
    extra_args: dict[str, Any] | None = None
    """Taken and without effect: there are no plugins that read them."""

    def clone(self) -> "SamplingParams":
        """A copy that can be changed by itself."""
        return msgspec.structs.replace(self)


class BeamSearchParams(msgspec.Struct, kw_only=True):
    """How to search with beams."""

    beam_width: int
    max_tokens: int
    ignore_eos: bool = False
    temperature: float = 0.0
    """Taken and without effect: nothing is sampled."""
    length_penalty: float = 1.0
    include_stop_str_in_output: bool = False
