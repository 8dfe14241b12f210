"""The parameters that chat and completions share, as clients spell them. Knows types; `params` knows bounds."""

import msgspec

from penstock.frontend.structured.fields import StructuredFields

StopField = str | list[str] | None


class StreamOptions(msgspec.Struct, frozen=True, kw_only=True):
    include_usage: bool | None = None
    continuous_usage_stats: bool | None = None

    @property
    def tells_usage(self) -> bool:
        """Asking for it in every chunk is asking for it, unless the same options say no."""
        if self.include_usage is None:
            return bool(self.continuous_usage_stats)
        return self.include_usage

    @property
    def tells_usage_always(self) -> bool:
        return self.tells_usage and bool(self.continuous_usage_stats)


class RepetitionDetection(msgspec.Struct, frozen=True, kw_only=True):
    """End an answer that repeats a pattern of so many tokens, `min_count` times or more in a row."""

    max_pattern_size: int = 0
    """0 detects nothing."""
    min_pattern_size: int = 0
    min_count: int = 0


class SamplingFields(StructuredFields, kw_only=True):
    """How to sample. None means: the model's default, then the API's."""

    max_tokens: int | None = None
    min_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    repetition_penalty: float | None = None
    seed: int | None = None
    stop: StopField = None
    stop_token_ids: list[int] | None = None
    ignore_eos: bool | None = None
    logit_bias: dict[str, float] | None = None
    allowed_token_ids: list[int] | None = None
    bad_words: list[str] | None = None
    prompt_logprobs: int | None = None
    logprob_token_ids: list[int] | None = None


class SharedFields(SamplingFields, kw_only=True):
    """What chat and completions share besides sampling."""

    model: str | None = None
    n: int | None = None
    best_of: int | None = None
    use_beam_search: bool | None = None
    length_penalty: float | None = None
    early_stopping: bool | str | None = None
    """Of a beam search; "never" besides true and false."""
    repetition_detection: RepetitionDetection | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    stream_interval: int | None = None
    echo: bool | None = None
    include_stop_str_in_output: bool | None = None
    skip_special_tokens: bool | None = None
    spaces_between_special_tokens: bool | None = None
    """Taken and without effect: tokenizers that would put spaces there are no longer made."""
    add_special_tokens: bool | None = None
    truncate_prompt_tokens: int | None = None
    truncation_side: str | None = None
    return_token_ids: bool | None = None
    return_tokens_as_token_ids: bool | None = None
    priority: int | None = None
    cache_salt: str | None = None
    request_id: str | None = None
    user: str | None = None
    timeout: float | None = None
    """Seconds that the whole answer may take; beyond, 504, or an error event in a stream."""
