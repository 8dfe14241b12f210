"""What an operator may set, one frozen struct per program. Knows meaning and bounds, not flags or files (`flags`).

Each field carries its sentence of help. `extra` may hold: `flags` (further spellings), `env` (variables
read when no flag is given), `human` (8k, 2M, 1GiB and auto are understood), `lower`, `secret` (never on
a command line that Penstock writes) and `inert` (why it has no effect here; said once when used).
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

LogLevel = Literal["debug", "info", "warning", "error"]
Dtype = Literal["auto", "half", "float16", "bfloat16", "float", "float32"]


def _meta(description: str, **extra: Any) -> Any:
    return Meta(description=description, extra=extra or None)


class ModelSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Which checkpoint; shared by every program that reads a part of it."""

    model: Annotated[
        str,
        _meta(
            "A folder, a Hugging Face repository (downloaded if not in the cache), or 'brook' (ships inside)."
        ),
    ] = "brook"
    revision: Annotated[
        str | None, _meta("Branch, tag or commit of a Hugging Face repository.")
    ] = None
    download_dir: Annotated[
        str | None, _meta("The Hugging Face cache to look in; default $HF_HOME/hub.")
    ] = None
    log_level: Annotated[
        LogLevel, _meta("How much to log.", env=["PENSTOCK_LOG_LEVEL"], lower=True)
    ] = "info"


class WorkerSettings(ModelSettings, frozen=True, kw_only=True):
    """How a worker loads and runs the model."""

    dtype: Annotated[
        Dtype, _meta("Type of weights and activations; auto takes the checkpoint's.")
    ] = "auto"
    load_format: Annotated[
        Literal["auto", "safetensors", "dummy"],
        _meta("auto and safetensors read the checkpoint; dummy makes seeded random weights."),
    ] = "auto"
    seed: Annotated[
        int, _meta("Seeds dummy weights; a request without a seed gets a random one.")
    ] = 0
    gpu_memory_utilization: Annotated[
        float,
        Meta(
            gt=0,
            le=1,
            description="Share of the device's memory (on a CPU: of RAM, at most half of what is free) to use.",
        ),
    ] = 0.9
    kv_cache_memory_bytes: Annotated[
        int | None,
        _meta(
            "Size of the KV cache, in place of --gpu-memory-utilization; 4GiB works.",
            human=True,
            env=["PENSTOCK_KV_CACHE_MEMORY_BYTES"],
        ),
    ] = None
    cpu_threads: Annotated[
        int | None,
        _meta(
            "Threads of a CPU worker; default one a core, fewer for a small model.",
            human=True,
            env=["OMP_NUM_THREADS"],
        ),
    ] = None
    max_model_len: Annotated[
        int | None,
        _meta(
            "Longest prompt plus output, in tokens (8k works); auto fits the model and the memory.",
            human=True,
        ),
    ] = None
    trust_remote_code: Annotated[
        bool, _meta("Accepted for compatibility.", inert="Penstock runs no code from checkpoints")
    ] = False
    enforce_eager: Annotated[
        bool, _meta("Do not capture CUDA graphs.", inert="there are no CUDA graphs on this device")
    ] = False
    cpu_offload_gb: Annotated[
        float,
        _meta(
            "GiB of weights to keep in host memory.", inert="weights already live in host memory"
        ),
    ] = 0.0
    kv_cache_dtype: Annotated[
        Literal["auto"], _meta("Type of the KV cache; auto is the model's own.")
    ] = "auto"


class EngineSettings(WorkerSettings, frozen=True, kw_only=True):
    """How the engine core schedules, and everything its workers need."""

    endpoint: Annotated[
        str | None,
        _meta(
            "Where front ends connect: ipc:///path or tcp://host:port. Default: a private socket in the runtime folder."
        ),
    ] = None
    curve_dir: Annotated[
        str | None, _meta("Folder with CURVE keys for a tcp:// endpoint (docs/protocol.md).")
    ] = None
    served_model_name: Annotated[
        list[str], _meta("Names the API answers to; the first is reported.")
    ] = []
    max_num_seqs: Annotated[
        Annotated[int, Meta(ge=1)] | None, _meta("Most sequences in one step.", human=True)
    ] = None
    max_num_batched_tokens: Annotated[
        Annotated[int, Meta(ge=1)] | None, _meta("Token budget of one step.", human=True)
    ] = None
    block_size: Annotated[Literal[8, 16, 32, 64, 128], _meta("Tokens per KV-cache block.")] = 16
    num_gpu_blocks_override: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        _meta("Use exactly so many KV-cache blocks, whatever fits.", human=True),
    ] = None
    enable_prefix_caching: Annotated[
        bool, _meta("Share KV blocks between requests that begin alike.")
    ] = True
    enable_chunked_prefill: Annotated[
        bool,
        _meta("Split long prompts over steps; off, a prompt waits until it fits one step whole."),
    ] = True
    long_prefill_token_threshold: Annotated[
        int,
        Meta(
            ge=0,
            description="Most prompt tokens of one sequence in a step; 0 leaves it to the budget.",
        ),
    ] = 0
    scheduling_policy: Annotated[
        Literal["fcfs", "priority"],
        _meta("fcfs serves by arrival; priority by the request's number, lower first."),
    ] = "fcfs"
    async_scheduling: Annotated[
        bool, _meta("Plan the next step while one runs (two plans in flight).")
    ] = True
    max_num_queued_reqs: Annotated[
        int, Meta(ge=1, description="Most requests waiting; beyond, 503 with Retry-After.")
    ] = 1024
    max_num_queued_tokens: Annotated[
        int | None,
        _meta("Most prompt tokens waiting; default 64 times the model's length.", human=True),
    ] = None
    max_logprobs: Annotated[
        int,
        Meta(
            ge=-1,
            description="Most top log probabilities a request may ask for; -1 is the vocabulary.",
        ),
    ] = 20
    tensor_parallel_size: Annotated[
        int,
        Meta(
            ge=1,
            le=1,
            description="Ranks that share each layer (this version: 1).",
            extra={"flags": ["-tp", "--tp"]},
        ),
    ] = 1
    pipeline_parallel_size: Annotated[
        int,
        Meta(
            ge=1,
            le=1,
            description="Ranks that share the depth (this version: 1).",
            extra={"flags": ["-pp", "--pp"]},
        ),
    ] = 1
    distributed_executor_backend: Annotated[
        Literal["mp", "uni"] | None,
        _meta("How workers start; both run the one worker as its own process."),
    ] = None
    swap_space: Annotated[
        float | None,
        _meta(
            "GiB of host memory for preempted sequences.",
            inert="preempted sequences are recomputed",
        ),
    ] = None
    worker_start_timeout_s: Annotated[
        float,
        Meta(
            gt=0,
            description="Give up on a worker that is not ready by then.",
            extra={"env": ["VLLM_ENGINE_READY_TIMEOUT_S"]},
        ),
    ] = 600.0
    step_timeout_s: Annotated[
        float,
        Meta(
            gt=0,
            description="A step that takes longer means a hung worker: the group is restarted.",
        ),
    ] = 120.0
    heartbeat_s: Annotated[float, Meta(gt=0, description="Seconds between heartbeats.")] = 1.0
    silence_s: Annotated[
        float, Meta(gt=0, description="A front end silent for so long has its requests aborted.")
    ] = 5.0
    drain_timeout_s: Annotated[
        float,
        Meta(
            ge=0,
            description="On SIGTERM, let running requests finish for so long; 0 aborts them.",
            extra={"flags": ["--shutdown-timeout"]},
        ),
    ] = 30.0

    def __post_init__(self) -> None:
        if self.silence_s <= self.heartbeat_s:
            raise ValueError(
                f"--silence-s {self.silence_s:g} must be longer than --heartbeat-s {self.heartbeat_s:g}, "
                "or every front end is taken for dead between two heartbeats"
            )


class FrontendSettings(ModelSettings, frozen=True, kw_only=True):
    """How one api-frontend listens and speaks."""

    endpoint: Annotated[
        str | None, _meta("The engine core to connect to: ipc:///path or tcp://host:port.")
    ] = None
    curve_dir: Annotated[
        str | None, _meta("Folder with CURVE keys for a tcp:// endpoint (docs/protocol.md).")
    ] = None
    host: Annotated[str, _meta("Address to listen on.")] = "0.0.0.0"
    port: Annotated[
        int,
        Meta(
            ge=0,
            le=65535,
            description="TCP port, shared by all front ends.",
            extra={"env": ["PENSTOCK_PORT", "VLLM_PORT"]},
        ),
    ] = 8000
    uds: Annotated[str | None, _meta("Listen on this Unix socket instead.")] = None
    tokenizer: Annotated[
        str | None, _meta("Where the tokenizer lies, when not with the model.")
    ] = None
    tokenizer_mode: Annotated[
        Literal["auto", "hf", "slow"],
        _meta("Accepted for compatibility.", inert="the fast tokenizer serves all modes"),
    ] = "auto"
    served_model_name: Annotated[
        list[str], _meta("Names the API answers to; the first is reported.")
    ] = []
    api_key: Annotated[
        list[str],
        _meta(
            "Accept only requests that carry one of these keys.",
            env=["PENSTOCK_API_KEY", "VLLM_API_KEY"],
            secret=True,
        ),
    ] = []
    chat_template: Annotated[
        str | None, _meta("A Jinja file, or the template itself, in place of the model's.")
    ] = None
    response_role: Annotated[str, _meta("Role of the answers.")] = "assistant"
    generation_config: Annotated[
        str,
        _meta(
            "auto takes sampling defaults from the model's generation_config.json; vllm takes none; or a folder."
        ),
    ] = "auto"
    override_generation_config: Annotated[
        dict[str, Any], _meta("Sampling defaults as JSON, e.g. '{\"temperature\": 0.5}'.")
    ] = {}
    trust_request_chat_template: Annotated[
        bool, _meta("Let requests bring their own chat template (it runs sandboxed).")
    ] = False
    stream_interval: Annotated[
        int, Meta(ge=1, description="Send a chunk at least every so many tokens.")
    ] = 1
    max_body_bytes: Annotated[int | None, _meta("Largest request body.", human=True)] = 16 << 20
    max_stop_strings: Annotated[
        int,
        Meta(
            ge=1,
            description="Most stop strings in a request.",
            extra={"env": ["VLLM_MAX_STOP_STRINGS"]},
        ),
    ] = 4
    keep_alive_s: Annotated[
        float,
        Meta(
            ge=0,
            description="Close idle connections after so long.",
            extra={"env": ["VLLM_HTTP_TIMEOUT_KEEP_ALIVE"]},
        ),
    ] = 5.0
    engine_patience_s: Annotated[
        float, Meta(gt=0, description="How long requests wait for an engine that went away.")
    ] = 60.0
    drain_timeout_s: Annotated[
        float,
        Meta(
            ge=0,
            description="On SIGTERM, let open requests finish for so long.",
            extra={"flags": ["--shutdown-timeout"]},
        ),
    ] = 30.0
    access_log: Annotated[bool, _meta("Log one line for each request.")] = True
    frontend_id: Annotated[
        str | None,
        _meta("Name towards the engine; a restart under the same name replaces its predecessor."),
    ] = None


class ServeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What `penstock serve` adds to the settings of the programs it starts."""

    api_server_count: Annotated[
        int,
        Meta(
            ge=1,
            le=256,
            description="How many api-frontend processes share the port.",
            extra={"flags": ["-asc"]},
        ),
    ] = 2
    runtime_dir: Annotated[
        str | None,
        _meta("Folder for the sockets between the programs (mode 0700); default: a fresh one."),
    ] = None
    start_timeout_s: Annotated[float, Meta(gt=0, description="Give up when not ready by then.")] = (
        900.0
    )
