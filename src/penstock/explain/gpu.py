"""A worker's first words on a GPU, guessed before there is one. Knows shapes and the GPU's memory, no torch.

Divided by the code that a start divides by; what a start measures, the largest step, is guessed here: too little, since
what libraries load and what kernels put aside is not in it. So the cache is what it can be at most.
"""

from typing import NamedTuple

from penstock.explain.devices import Gpu
from penstock.explain.weights import Served, rank_weights
from penstock.protocol.errors import SettingsError
from penstock.protocol.plan import WorkerHello
from penstock.protocol.settings import EngineSettings
from penstock.protocol.step_bounds import step_bounds
from penstock.workers.gpu_share import GIB, Budget, divided, graph_bytes, staging_bytes
from penstock.workers.host_copies.sizes import choose_layers, saved_bytes
from penstock.workers.host_memory import Memory, swap_share
from penstock.workers.kv_dtype import ITEM_BYTES, kv_dtype
from penstock.workers.lacking import NO_GPU
from penstock.workers.model_config import ModelConfig
from penstock.workers.parallel.part import part_of_rank

_LOGIT_BYTES, _LOGIT_COPIES = 4, 3
"""As they are computed, in float32, and kept for log probabilities."""


class RankPlan(NamedTuple):
    """What one rank would say, and why. `budget` is None where no GPU is there to be divided."""

    hello: WorkerHello
    away_bytes: int
    """Of weights, in host memory."""
    budget: Budget | None


def plan_ranks(
    settings: EngineSettings, config: ModelConfig, dtype: str, gpus: list[Gpu], host: Memory
) -> list[RankPlan]:
    """Rank r takes the r-th GPU. Raises SettingsError where its memory cannot be known."""
    if not gpus and settings.kv_cache_memory_bytes is None:
        raise SettingsError(
            f"{NO_GPU}; to plan for one all the same, say what its cache may have: --kv-cache-memory-bytes"
        )
    free = host.free // settings.world_size
    return [
        _plan(settings, config, dtype, rank, gpus[rank % len(gpus)] if gpus else None, free)
        for rank in range(settings.world_size)
    ]


def _plan(
    settings: EngineSettings, config: ModelConfig, dtype: str, rank: int, gpu: Gpu | None,
    host_free: int,
) -> RankPlan:  # fmt: skip
    part = part_of_rank(rank, settings.tensor_parallel_size, settings.pipeline_parallel_size)
    own, item = part.of(config), ITEM_BYTES[dtype]
    weights = rank_weights(config, part, Served(item, settings.quantization))
    layers = choose_layers(weights.layers, int(settings.cpu_offload_gb * GIB))
    away = [weights.layers[index] for index in layers]
    held = weights.total - saved_bytes(away)
    per_token = own.kv_values_per_token * ITEM_BYTES[kv_dtype(settings.kv_cache_dtype, dtype)]
    budget = _budget(settings, own, item, per_token, _after(gpu.memory, held)) if gpu else None
    wanted = settings.kv_cache_memory_bytes
    hello = WorkerHello(
        rank=rank, pid=0, dtype=dtype, vocab_size=config.vocab_size, max_position=config.max_position,
        kv_bytes_per_token=per_token,
        kv_bytes_available=budget.cache if budget and wanted is None else wanted or 0,
        weights_bytes=held, load_s=0.0, device="cuda",
        swap_bytes_available=swap_share(max(0, host_free - sum(away)), 0),
    )  # fmt: skip
    return RankPlan(hello, sum(away), budget)


def _after(memory: Memory, weights: int) -> Memory:
    return Memory(memory.total, max(0, memory.free - weights))


def _budget(
    settings: EngineSettings, config: ModelConfig, item: int, per_token: int, memory: Memory
) -> Budget:
    bounds = step_bounds(settings, "cuda", settings.max_model_len or config.max_position)
    decode = _states(config, bounds.num_seqs, item) + (
        bounds.num_seqs * config.vocab_size * _LOGIT_BYTES * _LOGIT_COPIES
    )
    step = max(decode, _states(config, bounds.num_tokens, item))
    captures = not settings.enforce_eager and settings.pipeline_parallel_size == 1
    return divided(
        memory,
        settings.gpu_memory_utilization,
        step=step,
        graphs=graph_bytes(settings, config, item, bounds, decode) if captures else 0,
        staging=staging_bytes(settings, per_token),
    )


def _states(config: ModelConfig, num_tokens: int, item: int) -> int:
    """What a layer has at its widest: residual, what is added to it, and gate, up and their product, or the heads."""
    experts = config.experts
    widths = [0 if experts and all(experts.layers) else config.intermediate_size]
    widths += [experts.num_chosen * experts.width, experts.shared_width] if experts else []
    inner = max(3 * max(widths), 2 * config.q_size + 2 * config.kv_size)
    return num_tokens * (2 * config.hidden_size + inner) * item
