"""The engine core's own numbers, and the traces of its sequences. Knows times and counts of what happened, not why.

Times are those of the one clock that the engine passes in.
"""

from penstock.engine_core.admission import Rejection, SchedulerConfig
from penstock.engine_core.outputs import Output
from penstock.engine_core.plan_draft import ScheduledStep
from penstock.engine_core.scheduler import Scheduler
from penstock.engine_core.sequence import Sequence
from penstock.engine_core.swap_space import SwapSpace
from penstock.protocol.messages import EngineStats, RefusalCode
from penstock.protocol.metric_names import Owner
from penstock.protocol.metrics import Registry
from penstock.protocol.plan import Prepared
from penstock.protocol.process_meter import ProcessMeter
from penstock.protocol.timelines import Event
from penstock.protocol.token_ids import BYTES_PER_ID

WINDOW_S = 4.0


class RecentRate:
    """How much of something came per second lately: over this window and the one before."""

    def __init__(self) -> None:
        self._window = 0
        self._now_sum = self._last_sum = 0.0

    def add(self, amount: float, now: float) -> None:
        self._roll(now)
        self._now_sum += amount

    def per_s(self, now: float) -> float:
        self._roll(now)
        return (self._now_sum + self._last_sum) / (WINDOW_S + now % WINDOW_S)

    def _roll(self, now: float) -> None:
        passed, self._window = int(now // WINDOW_S) - self._window, int(now // WINDOW_S)
        if passed:
            self._last_sum = self._now_sum if passed == 1 else 0.0
            self._now_sum = 0.0


class EngineMetrics:
    """Handles are looked up once: a step costs a few microseconds here."""

    def __init__(self) -> None:
        registry = self.registry = Registry()
        self._process = ProcessMeter(registry, Owner.ENGINE)
        self._busy = RecentRate()
        self._computed = RecentRate()
        self.num_prefilled_tokens = 0
        self._num_generated_bytes = 0
        self._step_s = registry.histogram("penstock:step_seconds")
        self._step_tokens = registry.histogram("vllm:iteration_tokens_total")
        self._num_steps = registry.counter("penstock:engine_steps_total")
        self._queue_s = registry.histogram("vllm:request_queue_time_seconds")
        self._prefill_s = registry.histogram("vllm:request_prefill_time_seconds")
        self._decode_s = registry.histogram("vllm:request_decode_time_seconds")
        self._inference_s = registry.histogram("vllm:request_inference_time_seconds")
        self._num_preemptions = registry.histogram("vllm:request_num_preemptions")
        self._num_computed = registry.histogram("vllm:request_prefill_kv_computed_tokens")

    def configured(self, config: SchedulerConfig, dtype: str) -> None:
        self.registry.set(
            "vllm:cache_config_info",
            1,
            block_size=str(config.block_size),
            cache_dtype=dtype,
            enable_prefix_caching=str(config.prefix_caching),
            num_cpu_blocks=str(config.num_host_blocks),
            num_gpu_blocks=str(config.num_blocks),
        )

    def step_planned(self, step: ScheduledStep, now: float) -> None:
        for sequence in step.admitted:
            sequence.trace.add(now, Event.SCHEDULED)
            if not sequence.admitted_at:
                sequence.admitted_at = now
                self._queue_s.observe(now - sequence.arrived_at)
        for sequence, num_tokens in step.chunks:
            sequence.trace.add(now, Event.PREFILL, num_tokens)

    def preempted(self, scheduler: Scheduler, now: float) -> None:
        """Some of those that wait again did not until now."""
        for sequence in scheduler.waiting:
            sequence.trace.preempted(now, sequence.num_preemptions)

    def step_done(
        self, step: ScheduledStep, busy_s: float, outputs: list[Output], now: float
    ) -> None:
        self._num_steps.inc()
        self._step_s.observe(busy_s)
        self._step_tokens.observe(step.num_tokens)
        self._busy.add(busy_s, now)
        self._computed.add(step.num_tokens, now)
        self.num_prefilled_tokens += step.num_chunked
        for sequence, delta in outputs:
            self._num_generated_bytes += len(delta.token_ids)
            if not sequence.first_token_at and delta.token_ids:
                self._first_token(sequence, now)
            if delta.finish:
                self._finished(sequence, now)
                sequence.trace.end(now, delta.finish.name.lower())

    def _first_token(self, sequence: Sequence, now: float) -> None:
        sequence.first_token_at = now
        sequence.trace.add(now, Event.FIRST_TOKEN)
        self._prefill_s.observe(now - sequence.admitted_at)
        self._num_computed.observe(sequence.num_prompt - max(0, sequence.num_cached))

    def _finished(self, sequence: Sequence, now: float) -> None:
        self._num_preemptions.observe(sequence.num_preemptions)
        if sequence.admitted_at:
            self._inference_s.observe(now - sequence.admitted_at)
        if sequence.first_token_at:
            self._decode_s.observe(now - sequence.first_token_at)

    def prepared(self, message: Prepared) -> None:
        outcome = "refused" if message.error else "ok"
        self.registry.inc("penstock:constraint_compilations_total", outcome=outcome)
        self.registry.observe("penstock:constraint_compile_seconds", message.compile_s)

    def refused(self, code: RefusalCode) -> None:
        self.registry.inc("penstock:refusals_total", code=code.value)

    def rejected(self, rejection: Rejection) -> None:
        self.refused(rejection.code)
        if rejection.bound:
            self.registry.inc("vllm:admission_rejections_total", reason=rejection.bound)

    @property
    def num_generated_tokens(self) -> int:
        """Since the start; those of other engines, with which a stream began, are not among them."""
        return self._num_generated_bytes // BYTES_PER_ID

    def busy(self, now: float) -> float:
        return min(1.0, self._busy.per_s(now))

    def tokens_per_s(self, now: float) -> float:
        """Tokens computed lately, prompts included."""
        return self._computed.per_s(now)

    def update(self, stats: EngineStats, num_frontends_lost: int) -> None:
        """Sets what is a state rather than an event."""
        registry = self.registry
        registry.set("vllm:num_requests_running", stats.num_running)
        registry.set("vllm:num_requests_waiting", stats.num_waiting)
        registry.set("vllm:num_requests_waiting_by_reason", stats.num_waiting, reason="capacity")
        registry.set("vllm:kv_cache_usage_perc", stats.kv_cache_usage)
        registry.set("penstock:engine_busy", stats.busy)
        registry.set("penstock:num_workers", stats.num_workers)
        registry.set("penstock:num_frontends", stats.num_frontends)
        registry.counter("penstock:frontends_lost_total").value = num_frontends_lost
        self._process.measure()

    def update_scheduler(self, scheduler: Scheduler) -> None:
        """Takes over what the scheduler counts by itself."""
        registry, cache = self.registry, scheduler.cache
        registry.counter("vllm:num_preemptions_total").value = scheduler.num_preemptions
        registry.counter("vllm:prefix_cache_queries_total").value = cache.num_queried_tokens
        registry.counter("vllm:prefix_cache_hits_total").value = cache.num_hit_tokens
        registry.counter("penstock:recomputed_tokens_total").value = cache.num_recomputed_tokens
        self._update_swap(cache.swap)

    def _update_swap(self, swap: SwapSpace) -> None:
        registry = self.registry
        registry.set("vllm:num_requests_swapped", swap.num_sequences)
        registry.set("vllm:cpu_cache_usage_perc", swap.usage)
        registry.counter("penstock:swapped_out_blocks_total").value = swap.num_copied_out
        registry.counter("penstock:swapped_in_blocks_total").value = swap.num_copied_in
        registry.counter("penstock:restored_tokens_total").value = swap.num_restored_tokens
