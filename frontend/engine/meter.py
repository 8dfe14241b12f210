"""What front ends measure of a stream: tokens and the times between them. Knows no engine and no HTTP."""

import time

from penstock.frontend.engine.spec import GenerateSpec
from penstock.protocol import token_ids
from penstock.protocol.messages import FinishReason
from penstock.protocol.metrics import Registry

FINISHED_REASONS = {
    FinishReason.STOP: "stop",
    FinishReason.LENGTH: "length",
    FinishReason.ABORT: "abort",
    FinishReason.ERROR: "error",
}


class StreamMetrics:
    """The series that streams record into, looked up once."""

    def __init__(self, registry: Registry) -> None:
        self.first_token_s = registry.histogram("vllm:time_to_first_token_seconds")
        self.inter_token_s = registry.histogram("vllm:inter_token_latency_seconds")
        self.mean_token_s = registry.histogram("vllm:request_time_per_output_token_seconds")
        self.whole_s = registry.histogram("vllm:e2e_request_latency_seconds")
        self.num_prompt = registry.histogram("vllm:request_prompt_tokens")
        self.num_generated = registry.histogram("vllm:request_generation_tokens")
        self.max_tokens = registry.histogram("vllm:request_params_max_tokens")
        self.prompt_tokens = registry.counter("vllm:prompt_tokens_total")
        self.generation_tokens = registry.counter("vllm:generation_tokens_total")
        self.cached_tokens = registry.counter("vllm:prompt_tokens_cached_total")
        by_source = "vllm:prompt_tokens_by_source_total"
        self.from_cache = registry.counter(by_source, source="local_cache_hit")
        self.computed = registry.counter(by_source, source="local_compute")
        self.open_streams = registry.gauge("penstock:open_streams")
        self.finished = {
            reason: registry.counter("vllm:request_success_total", finished_reason=word)
            for reason, word in FINISHED_REASONS.items()
        }


class StreamMeter:
    """Times one stream. `begin`, any number of `tokens`, `end` once."""

    __slots__ = ("_first_s", "_last_s", "_metrics", "_num_generated", "_num_prompt", "_started_s")

    def __init__(self, metrics: StreamMetrics) -> None:
        self._metrics = metrics
        self._num_prompt = self._num_generated = 0
        self._started_s = self._first_s = self._last_s = 0.0

    def begin(self, spec: GenerateSpec) -> None:
        self._started_s = spec.arrived_s or time.monotonic()
        self._num_prompt = token_ids.count(spec.prompt)
        self._metrics.max_tokens.observe(spec.params.max_tokens)
        self._metrics.open_streams.add(1)

    def tokens(self, num: int, now_s: float, num_cached: int) -> None:
        """`num` tokens came together; the time since the ones before is shared between them."""
        if self._num_generated:
            self._metrics.inter_token_s.observe((now_s - self._last_s) / num, num)
        else:
            self._first(now_s, num_cached)
        self._last_s = now_s
        self._num_generated += num
        self._metrics.generation_tokens.inc(num)

    def end(self, reason: FinishReason) -> None:
        metrics, num = self._metrics, self._num_generated
        metrics.open_streams.add(-1)
        metrics.finished[reason].inc()
        metrics.whole_s.observe(time.monotonic() - self._started_s)
        metrics.num_prompt.observe(self._num_prompt)
        metrics.num_generated.observe(num)
        if num > 1:
            metrics.mean_token_s.observe((self._last_s - self._first_s) / (num - 1))

    def _first(self, now_s: float, num_cached: int) -> None:
        metrics = self._metrics
        self._first_s = now_s
        metrics.first_token_s.observe(now_s - self._started_s)
        metrics.prompt_tokens.inc(self._num_prompt)
        metrics.cached_tokens.inc(num_cached)
        metrics.from_cache.inc(num_cached)
        metrics.computed.inc(self._num_prompt - num_cached)


class SilentMeter(StreamMeter):
    """For streams that are a part of what another meter times."""

    def __init__(self) -> None:
        pass

    def begin(self, spec: GenerateSpec) -> None:
        pass

    def tokens(self, num: int, now_s: float, num_cached: int) -> None:
        pass

    def end(self, reason: FinishReason) -> None:
        pass
