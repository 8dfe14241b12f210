"""The memory of ranks on GPUs, as rows. Knows what was found, not how it was estimated."""

from penstock.engine_core.fitting import Fit
from penstock.explain.asked import MEASURED, Asked, kv_source, size, weights_source
from penstock.explain.estimate import ENGINE_BYTES, Estimate, frontend_bytes
from penstock.explain.gpu import RankPlan
from penstock.explain.rows import Row, mib
from penstock.workers.gpu_share import Budget

_GUESSED = "estimate, from shapes: a start measures it, and finds more"
_RESERVED = "estimate, set aside at the start"


def gpu_memory(asked: Asked, found: Estimate, fitted: Fit) -> list[Row]:
    """Of a rank with the least room, and of this host."""
    rank = min(found.ranks, key=lambda rank: rank.hello.kv_bytes_available)
    config, hello = fitted.config, rank.hello
    block_bytes = config.block_size * hello.kv_bytes_per_token
    count, each = asked.serve.api_server_count, frontend_bytes(found.config)
    swap = config.num_host_blocks * block_bytes
    return [
        *_gpu(found),
        size("weights, of a rank", hello.weights_bytes, weights_source(asked)),
        *(_budget(rank.budget) if rank.budget else []),
        size("KV cache, when full", config.num_blocks * block_bytes, kv_source(asked, on_gpu=True)),
        size(
            "available now, on the host", found.memory.free, "machine, within its container's limit"
        ),
        _away(asked, rank),
        size("swap space, when full", swap, asked.sources.of("swap_space")),
        size("engine core", ENGINE_BYTES, MEASURED),
        Row("front ends", count * each, f"{count} x {mib(each)}", MEASURED),
        Row("worker, besides", None, "not measured on a GPU", "nobody"),
    ]


def _gpu(found: Estimate) -> list[Row]:
    if not found.gpus:
        return [
            Row(
                "available now, on the GPU",
                None,
                "there is none here: it would not start",
                "machine",
            )
        ]
    memory = min((gpu.memory for gpu in found.gpus[: len(found.ranks)]), key=lambda one: one.free)
    return [
        size("memory of the GPU", memory.total, "machine, as its driver says"),
        size("available now, on the GPU", memory.free, "machine, as its driver says"),
    ]


def _budget(budget: Budget) -> list[Row]:
    return [
        size("largest step, at least", budget.step, _GUESSED),
        size("CUDA graphs, at least", budget.graphs, _RESERVED),
        size("to swap through", budget.staging, _RESERVED),
    ]


def _away(asked: Asked, rank: RankPlan) -> Row:
    """Whole layers, and the areas that they take turns in stay on the GPU."""
    return size(
        "weights on the host, of a rank", rank.away_bytes, asked.sources.of("cpu_offload_gb")
    )
