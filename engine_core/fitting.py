"""Settings meet the model and its memory: what the engine will run with. Knows numbers, not processes.

Every bound that an operator left open is resolved here; one that cannot hold is an error with advice.
"""

import logging
from collections.abc import Sequence
from typing import NamedTuple

from penstock.engine_core.admission import SchedulerConfig
from penstock.protocol import model_path
from penstock.protocol.errors import SettingsError
from penstock.protocol.messages import Limits, ModelCard
from penstock.protocol.plan import Configure, WorkerHello
from penstock.protocol.settings import EngineSettings
from penstock.protocol.step_bounds import step_bounds

log = logging.getLogger("penstock.engine")

STEP_STRETCH = {"cpu": 1.8, "cuda": 0.0}
QUEUED_LENGTHS = 64
GIB = 1 << 30


class Fit(NamedTuple):
    """What holds for scheduler, workers and front ends alike."""

    config: SchedulerConfig
    card: ModelCard
    limits: Limits
    step_stretch: float
    """See pacing.py."""

    @property
    def summary(self) -> str:
        """For the log."""
        config = self.config
        swap = f", {config.num_host_blocks} to swap to" if config.num_host_blocks else ""
        return (
            f"{config.num_blocks} KV-cache blocks of {config.block_size} tokens{swap}, "
            f"max_model_len {config.max_model_len}, "
            f"at most {config.max_num_seqs} sequences and {config.max_num_batched_tokens} tokens in a step"
        )

    @property
    def configure(self) -> Configure:
        config = self.config
        return Configure(
            config.num_blocks,
            config.block_size,
            config.max_num_seqs,
            config.max_model_len,
            config.max_num_batched_tokens,
            config.num_host_blocks,
        )


def fit(settings: EngineSettings, hellos: Sequence[WorkerHello], created: int) -> Fit:
    """Raises SettingsError when an explicit setting cannot hold."""
    num_blocks = _num_blocks(settings, hellos)
    max_model_len = _max_model_len(settings, hellos[0].max_position, num_blocks)
    _check_token_budget(settings, max_model_len)
    config = _scheduler_config(settings, hellos, num_blocks, max_model_len)
    stretch = settings.step_stretch
    return Fit(
        config=config,
        card=_card(settings, hellos[0], max_model_len, created),
        limits=_limits(settings, config),
        step_stretch=STEP_STRETCH[hellos[0].device] if stretch is None else stretch,
    )


def _scheduler_config(
    settings: EngineSettings, hellos: Sequence[WorkerHello], num_blocks: int, max_model_len: int
) -> SchedulerConfig:
    bounds = step_bounds(settings, hellos[0].device, max_model_len)
    return SchedulerConfig(
        num_blocks=num_blocks,
        block_size=settings.block_size,
        max_num_seqs=bounds.num_seqs,
        max_num_batched_tokens=bounds.num_tokens,
        max_model_len=max_model_len,
        max_queued_requests=settings.max_num_queued_reqs,
        max_queued_tokens=settings.max_num_queued_tokens or QUEUED_LENGTHS * max_model_len,
        prefix_caching=settings.enable_prefix_caching,
        chunked_prefill=settings.enable_chunked_prefill,
        long_prefill_token_threshold=settings.long_prefill_token_threshold,
        delay_factor=settings.scheduler_delay_factor,
        by_priority=settings.scheduling_policy == "priority",
        num_groups=_num_groups(settings),
        num_host_blocks=_num_host_blocks(settings, hellos),
    )


def _num_groups(settings: EngineSettings) -> int:
    """A plan for each stage, and one that is on its way while the last result is."""
    stages = settings.pipeline_parallel_size
    return 1 if stages == 1 else stages + settings.async_scheduling


def _num_blocks(settings: EngineSettings, hellos: Sequence[WorkerHello]) -> int:
    if settings.num_gpu_blocks_override:
        return settings.num_gpu_blocks_override
    num_blocks = min(
        hello.kv_bytes_available // (settings.block_size * hello.kv_bytes_per_token)
        for hello in hellos
    )
    if num_blocks < 1:
        raise SettingsError(
            f"no memory is left for the KV cache: {hellos[0].weights_bytes} bytes of weights are loaded; "
            "raise --gpu-memory-utilization or --kv-cache-memory-bytes, on a GPU lower --max-num-batched-tokens, "
            "or serve a smaller model"
        )
    return num_blocks


def _num_host_blocks(settings: EngineSettings, hellos: Sequence[WorkerHello]) -> int:
    """As asked for; or as many as every rank has host memory for, which is logged."""
    asked = settings.swap_space * GIB
    available = min(hello.swap_bytes_available for hello in hellos)
    if asked > available:
        log.warning(
            "--swap-space lowered to %.2f GiB: a rank can have no more of this host's memory",
            available / GIB,
        )
    num_bytes = int(min(asked, available))
    return min(num_bytes // (settings.block_size * h.kv_bytes_per_token) for h in hellos)


def _max_model_len(settings: EngineSettings, max_position: int, num_blocks: int) -> int:
    """As asked for; or as long as the model and the cache allow, which is logged when the cache is the bound."""
    asked, capacity = settings.max_model_len, num_blocks * settings.block_size
    if asked and asked > max_position:
        raise SettingsError(
            f"--max-model-len {asked}: the checkpoint supports {max_position} tokens"
        )
    if asked and asked > capacity:
        raise SettingsError(
            f"--max-model-len {asked}: the KV cache holds {capacity} tokens; lower it, or raise "
            "--kv-cache-memory-bytes"
        )
    if not asked and capacity < max_position:
        log.warning(
            "max_model_len lowered to %d so that one request fits the KV cache; "
            "--kv-cache-memory-bytes or --max-model-len change that",
            capacity,
        )
    return asked or min(max_position, capacity)


def _check_token_budget(settings: EngineSettings, max_model_len: int) -> None:
    asked = settings.max_num_batched_tokens
    if asked and asked < max_model_len and not settings.enable_chunked_prefill:
        raise SettingsError(
            f"--max-num-batched-tokens {asked}: without chunked prefill a prompt of max_model_len={max_model_len} "
            "tokens must fit one step; raise it, lower --max-model-len, or drop --no-enable-chunked-prefill"
        )


def _card(
    settings: EngineSettings, hello: WorkerHello, max_model_len: int, created: int
) -> ModelCard:
    name = (settings.served_model_name or [model_path.default_name(settings)])[0]
    return ModelCard(name, max_model_len, hello.vocab_size, hello.dtype, created)


def _limits(settings: EngineSettings, config: SchedulerConfig) -> Limits:
    return Limits(
        config.max_num_seqs,
        config.max_num_batched_tokens,
        config.max_queued_requests,
        config.max_queued_tokens,
        settings.max_logprobs,
        config.num_blocks,
        config.block_size,
        settings.heartbeat_s,
        settings.silence_s,
    )
