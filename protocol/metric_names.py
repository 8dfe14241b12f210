"""The catalogue: every metric's name, help, kind, owner, labels and buckets. Knows no values.

Three generations of names live side by side, so that old dashboards go on working: vLLM's `vllm:*`, the
documents' `vllm_*`, and older spellings. Each of the last two repeats the number of a first (`shows`).
"""

import enum
from itertools import product

import msgspec


class Kind(enum.StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    SUMMARY = "summary"


class Owner(enum.StrEnum):
    """Which program records a family: exactly one, so that a sum over processes counts nothing twice."""

    ENGINE = "engine-core"
    FRONTEND = "api-frontend"
    EVERYONE = "every program"
    RENDERER = "whoever renders"


class Family(msgspec.Struct, frozen=True):
    """One metric. `preset` holds the labels' values that show from the start, at zero."""

    name: str
    help: str
    kind: Kind
    owner: Owner
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    preset: tuple[tuple[str, ...], ...] = ()
    shows: str = ""
    """The family whose number this name repeats; such a name is never recorded."""

    @property
    def of_model(self) -> bool:
        """Whether it carries `model_name` and `engine`; HTTP and process numbers do not."""
        return not self.name.startswith(("http_", "process_"))


TTFT_S = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
    *(20.0, 40.0, 80.0, 160.0, 640.0, 2560.0),
)
TOKEN_S = (
    *(0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
    *(20.0, 40.0, 80.0),
)
LATENCY_S = (
    *(0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0),
    *(240.0, 480.0, 960.0, 1920.0, 7680.0),
)
HTTP_COARSE_S = (0.1, 0.5, 1.0)
HTTP_FINE_S = (
    *(0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5),
    *(5.0, 7.5, 10.0, 30.0, 60.0),
)
STEP_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
NUM_TOKENS = (*(m * 10.0**e for e in range(6) for m in (1, 2, 5)), 1_000_000.0)
STEP_TOKENS = (1.0, *(2.0**e for e in range(3, 15)))
NUM_CHOICES = (1.0, 2.0, 5.0, 10.0, 20.0)
NUM_PREEMPTIONS = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)

FINISHED_REASONS = ("stop", "length", "abort", "error")
ANSWER_MODES = ("streaming", "non_streaming")
CALL_OUTCOMES = ("tool_call", "no_tool_call")
REQUEST_TYPES = ("chat_completions", "responses")
REJECTIONS = ("max_num_queued_reqs", "max_num_queued_tokens")

_ENGINE, _FRONTEND = Owner.ENGINE, Owner.FRONTEND
_EVERYONE, _RENDERER = Owner.EVERYONE, Owner.RENDERER


def _counter(
    owner: Owner, name: str, help: str, *labels: str, preset: tuple[tuple[str, ...], ...] = ()
) -> Family:
    """`preset` holds the values of each label; all of them show with all others."""
    shown = tuple(product(*preset)) if preset else ()
    return Family(name, help, Kind.COUNTER, owner, labels, preset=shown)


def _gauge(owner: Owner, name: str, help: str, *labels: str) -> Family:
    return Family(name, help, Kind.GAUGE, owner, labels)


def _histogram(
    owner: Owner, name: str, help: str, buckets: tuple[float, ...], *labels: str
) -> Family:
    return Family(name, help, Kind.HISTOGRAM, owner, labels, buckets)


def _summary(owner: Owner, name: str, help: str, *labels: str) -> Family:
    return Family(name, help, Kind.SUMMARY, owner, labels)


_GAUGES = (
    _gauge(_ENGINE, "vllm:num_requests_running", "Sequences in the running batch."),
    _gauge(_ENGINE, "vllm:num_requests_waiting", "Sequences waiting for their turn."),
    _gauge(
        _ENGINE, "vllm:num_requests_waiting_by_reason", "Waiting sequences by reason.", "reason"
    ),
    _gauge(_ENGINE, "vllm:kv_cache_usage_perc", "Share of KV-cache blocks in use, 0 to 1."),
    _gauge(
        _ENGINE,
        "vllm:cache_config_info",
        "How the KV cache is laid out; always 1.",
        *("block_size", "cache_dtype", "enable_prefix_caching", "num_cpu_blocks", "num_gpu_blocks"),
    ),
    _gauge(_ENGINE, "vllm:num_requests_swapped", "Preempted sequences with swap space."),
    _gauge(_ENGINE, "vllm:cpu_cache_usage_perc", "Share of swap space set aside, 0 to 1."),
    _gauge(_ENGINE, "penstock:engine_busy", "Share of the last seconds spent in model steps."),
    _gauge(_ENGINE, "penstock:num_workers", "Workers that are alive."),
    _gauge(_ENGINE, "penstock:num_frontends", "Front ends that are connected."),
    _gauge(_FRONTEND, "penstock:open_streams", "Requests open at front ends."),
    _gauge(_RENDERER, "penstock:engine_up", "1 while the engine core answers."),
    _gauge(_EVERYONE, "process_resident_memory_bytes", "Memory, summed by program.", "program"),
)

_COUNTERS = (
    _counter(_FRONTEND, "vllm:prompt_tokens_total", "Prompt tokens of requests begun."),
    _counter(_FRONTEND, "vllm:generation_tokens_total", "Tokens generated."),
    _counter(
        _FRONTEND,
        "vllm:request_success_total",
        "Requests ended, by reason.",
        "finished_reason",
        preset=(FINISHED_REASONS,),
    ),
    _counter(_FRONTEND, "vllm:prompt_tokens_cached_total", "Prompt tokens found in the cache."),
    _counter(
        _FRONTEND,
        "vllm:prompt_tokens_by_source_total",
        "Prompt tokens by where their keys and values came from.",
        "source",
        preset=(("local_compute", "local_cache_hit"),),
    ),
    _counter(_ENGINE, "vllm:num_preemptions_total", "Times a running sequence lost its blocks."),
    _counter(_ENGINE, "vllm:prefix_cache_queries_total", "Prompt tokens looked up in the cache."),
    _counter(_ENGINE, "vllm:prefix_cache_hits_total", "Prompt tokens found by those look-ups."),
    _counter(
        _ENGINE,
        "vllm:admission_rejections_total",
        "Requests refused because the queue was full.",
        "reason",
        preset=(REJECTIONS,),
    ),
    _counter(
        _FRONTEND,
        "vllm:tool_call_parser_invocations_total",
        "Answers in which tool calls were looked for, by whether any was found.",
        *("mode", "outcome", "request_type"),
        preset=(ANSWER_MODES, CALL_OUTCOMES, REQUEST_TYPES),
    ),
    _counter(_FRONTEND, "http_requests_total", "HTTP requests.", *("handler", "method", "status")),
    _counter(_ENGINE, "penstock:engine_steps_total", "Model steps run."),
    _counter(
        _ENGINE,
        "penstock:recomputed_tokens_total",
        "Tokens computed again, after preemptions and losses of workers.",
    ),
    _counter(
        _ENGINE,
        "penstock:restored_tokens_total",
        "Tokens of preempted sequences that swap space saved from that.",
    ),
    _counter(_ENGINE, "penstock:swapped_out_blocks_total", "Blocks copied to host memory."),
    _counter(_ENGINE, "penstock:swapped_in_blocks_total", "Blocks copied back from it."),
    _counter(_ENGINE, "penstock:worker_restarts_total", "Times the workers were started again."),
    _counter(
        _ENGINE,
        "penstock:constraint_compilations_total",
        "Constraints on outputs that were compiled, or could not be.",
        "outcome",
        preset=(("ok", "refused"),),
    ),
    _counter(_ENGINE, "penstock:refusals_total", "Requests refused by the engine.", "code"),
    _counter(_ENGINE, "penstock:rate_limited_total", "Requests beyond a limit.", "limit"),
    _counter(_ENGINE, "penstock:key_requests_total", "Requests by holder of a key.", "key"),
    _counter(_ENGINE, "penstock:key_tokens_total", "Tokens by holder of a key.", "key"),
    _counter(_ENGINE, "penstock:malformed_messages_total", "Messages that did not decode."),
    _counter(_ENGINE, "penstock:frontends_lost_total", "Front ends that fell silent."),
    _counter(_FRONTEND, "penstock:engine_reconnects_total", "Times a front end lost its engine."),
    _counter(_FRONTEND, "penstock:streams_resumed_total", "Streams continued in a new engine."),
    _counter(_FRONTEND, "penstock:wire_errors_total", "Messages a front end could not use."),
    _counter(_EVERYONE, "process_cpu_seconds_total", "CPU time, summed by program.", "program"),
)

_HISTOGRAMS = (
    _histogram(_FRONTEND, "vllm:time_to_first_token_seconds", "Until the first token.", TTFT_S),
    _histogram(_FRONTEND, "vllm:inter_token_latency_seconds", "Between two tokens.", TOKEN_S),
    _histogram(
        _FRONTEND,
        "vllm:request_time_per_output_token_seconds",
        "Mean time per output token after the first, of each request.",
        TOKEN_S,
    ),
    _histogram(_FRONTEND, "vllm:e2e_request_latency_seconds", "Whole requests.", LATENCY_S),
    _histogram(_ENGINE, "vllm:request_queue_time_seconds", "Waiting for a turn.", LATENCY_S),
    _histogram(_ENGINE, "vllm:request_prefill_time_seconds", "From turn to token.", LATENCY_S),
    _histogram(_ENGINE, "vllm:request_decode_time_seconds", "First token to last.", LATENCY_S),
    _histogram(_ENGINE, "vllm:request_inference_time_seconds", "From turn to end.", LATENCY_S),
    _histogram(_FRONTEND, "vllm:request_prompt_tokens", "Prompt tokens.", NUM_TOKENS),
    _histogram(_FRONTEND, "vllm:request_generation_tokens", "Tokens generated.", NUM_TOKENS),
    _histogram(
        _FRONTEND,
        "vllm:request_max_num_generation_tokens",
        "Most tokens that any choice of a request generated.",
        NUM_TOKENS,
    ),
    _histogram(_FRONTEND, "vllm:request_params_n", "The parameter n.", NUM_CHOICES),
    _histogram(
        _FRONTEND, "vllm:request_params_max_tokens", "The parameter max_tokens.", NUM_TOKENS
    ),
    _histogram(_ENGINE, "vllm:iteration_tokens_total", "Tokens computed in a step.", STEP_TOKENS),
    _histogram(
        _ENGINE, "vllm:request_num_preemptions", "Preemptions of a request.", NUM_PREEMPTIONS
    ),
    _histogram(
        _ENGINE,
        "vllm:request_prefill_kv_computed_tokens",
        "Prompt tokens computed, that is, not found in the cache.",
        NUM_TOKENS,
    ),
    _histogram(_ENGINE, "penstock:step_seconds", "Model steps.", STEP_S),
    _histogram(_ENGINE, "penstock:constraint_compile_seconds", "Compiling one constraint.", STEP_S),
    _histogram(
        _FRONTEND,
        "http_request_duration_seconds",
        "HTTP requests by handler.",
        HTTP_COARSE_S,
        *("handler", "method"),
    ),
    _histogram(_FRONTEND, "http_request_duration_highr_seconds", "All HTTP requests.", HTTP_FINE_S),
    _summary(_FRONTEND, "http_request_size_bytes", "Request bodies.", "handler"),
    _summary(_FRONTEND, "http_response_size_bytes", "Response bodies.", "handler"),
)

_OTHER_NAMES = {
    "vllm_request_duration_seconds": "vllm:e2e_request_latency_seconds",
    "vllm_gpu_utilization": "penstock:engine_busy",
    "vllm_kv_cache_usage_ratio": "vllm:kv_cache_usage_perc",
    "vllm_pending_requests": "vllm:num_requests_waiting",
    "vllm:gpu_cache_usage_perc": "vllm:kv_cache_usage_perc",
    "vllm:time_per_output_token_seconds": "vllm:inter_token_latency_seconds",
    "vllm:gpu_prefix_cache_queries_total": "vllm:prefix_cache_queries_total",
    "vllm:gpu_prefix_cache_hits_total": "vllm:prefix_cache_hits_total",
}


def _also_named(families: dict[str, Family]) -> dict[str, Family]:
    return {
        name: msgspec.structs.replace(families[shown], name=name, shows=shown)
        for name, shown in _OTHER_NAMES.items()
    }


_RECORDED = {family.name: family for family in (*_GAUGES, *_COUNTERS, *_HISTOGRAMS)}
CATALOGUE = _RECORDED | _also_named(_RECORDED)
