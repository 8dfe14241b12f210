"""Settings of the engine core. Knows scheduling and bounds, not HTTP."""

from typing import Annotated, Literal

from msgspec import Meta

from penstock.protocol.settings.field import described
from penstock.protocol.settings.worker import WorkerSettings


class EngineSettings(WorkerSettings, frozen=True, kw_only=True):
    """How the engine core schedules, and everything its workers need."""

    endpoint: Annotated[
        str | None,
        described(
            "Where front ends connect: ipc:///path or tcp://host:port. Default: a private socket in the runtime folder."
        ),
    ] = None
    curve_dir: Annotated[
        str | None, described("Folder with CURVE keys for a tcp:// endpoint (docs/protocol.md).")
    ] = None
    served_model_name: Annotated[
        list[str], described("Names the API answers to; the first is reported.")
    ] = []
    num_gpu_blocks_override: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        described("Use exactly so many KV-cache blocks, whatever fits.", human=True),
    ] = None
    enable_prefix_caching: Annotated[
        bool, described("Share KV blocks between requests that begin alike.")
    ] = True
    long_prefill_token_threshold: Annotated[
        int,
        Meta(
            ge=0,
            description="Most prompt tokens of one sequence in a step; 0 leaves it to the budget.",
        ),
    ] = 0
    step_stretch: Annotated[
        Annotated[float, Meta(ge=0)] | None,
        described(
            "How many times as long prompts may make a step of running streams; 0: no bound. CPUs 1.8, GPUs 0.",
            automatic=True,
        ),
    ] = None
    scheduler_delay_factor: Annotated[
        float,
        Meta(
            ge=0,
            description="While streams run, a prompt waits for so many times the last prompt's step, so that "
            "more start together.",
            extra={"flags": ["--delay-factor"]},
        ),
    ] = 0.0
    scheduling_policy: Annotated[
        Literal["fcfs", "priority"],
        described("fcfs serves by arrival; priority by the request's number, lower first."),
    ] = "fcfs"
    async_scheduling: Annotated[
        bool, described("Plan the next step while one runs (two plans in flight).")
    ] = True
    max_num_queued_reqs: Annotated[
        int, Meta(ge=1, description="Most requests waiting; beyond, 503 with Retry-After.")
    ] = 1024
    max_num_queued_tokens: Annotated[
        int | None,
        described(
            "Most prompt tokens waiting; default 64 times the model's length.",
            human=True,
            automatic=True,
        ),
    ] = None
    api_key_file: Annotated[
        str | None,
        described("A TOML or JSON file of keys, with weights and quotas (docs/limits.md)."),
    ] = None
    rate_limit_token: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        described(
            "Most requests of each key, or without keys of each address, in --rate-limit-interval; beyond, 429.",
            human=True,
        ),
    ] = None
    rate_limit_interval: Annotated[
        Annotated[float, Meta(ge=0.1, le=86400)] | None,
        described("Seconds over which --rate-limit-token counts; default 60."),
    ] = None
    limits_file: Annotated[
        str,
        described(
            "Where counts outlive an engine core: a file, auto (beside its socket, gone with it), or none."
        ),
    ] = "auto"
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
            description="Ranks that share each layer (docs/parallelism.md).",
            extra={"flags": ["-tp", "--tp"]},
        ),
    ] = 1
    pipeline_parallel_size: Annotated[
        int,
        Meta(
            ge=1,
            description="Stages that share the depth; ranks are the product of both.",
            extra={"flags": ["-pp", "--pp"]},
        ),
    ] = 1
    distributed_executor_backend: Annotated[
        Literal["mp", "uni", "ray"] | None,
        described(
            "How workers start: mp, processes of this host (the default); ray, on the hosts of a Ray cluster."
        ),
    ] = None
    worker_use_ray: Annotated[
        bool, described("The old name of --distributed-executor-backend ray.")
    ] = False
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
    timelines: Annotated[
        int,
        Meta(
            ge=0,
            description="Remember the way of so many sequences, for GET /v1/requests/{id}; 0 remembers none.",
        ),
    ] = 1000
    timelines_max_age_s: Annotated[
        float, Meta(gt=0, description="Forget it so long after their end.")
    ] = 3600.0
    drain_timeout_s: Annotated[
        float,
        Meta(
            ge=0,
            description="On SIGTERM, let running requests finish for so long; 0 aborts them.",
            extra={"flags": ["--shutdown-timeout"]},
        ),
    ] = 30.0

    @property
    def uses_ray(self) -> bool:
        return self.worker_use_ray or self.distributed_executor_backend == "ray"

    @property
    def world_size(self) -> int:
        """Workers in all."""
        return self.tensor_parallel_size * self.pipeline_parallel_size

    def __post_init__(self) -> None:
        if self.cpu_kernels == "native" and self.world_size > 1:
            raise ValueError(
                "--cpu-kernels native runs a model on one rank: leave --tensor-parallel-size and "
                "--pipeline-parallel-size at 1, or --cpu-kernels at auto"
            )
        if self.rate_limit_interval is not None and self.rate_limit_token is None:
            raise ValueError("--rate-limit-interval needs --rate-limit-token: how many requests?")
        if self.silence_s <= self.heartbeat_s:
            raise ValueError(
                f"--silence-s {self.silence_s:g} must be longer than --heartbeat-s {self.heartbeat_s:g}, "
                "or every front end is taken for dead between two heartbeats"
            )
