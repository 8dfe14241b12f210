"""What of a GPU a rank's KV cache may have, found by running the largest steps on it. Knows a model, no driver."""

from functools import partial

import torch

from penstock.protocol.settings import WorkerSettings
from penstock.protocol.step_bounds import StepBounds
from penstock.workers.gpu_share import Budget, graph_bytes, staging_bytes
from penstock.workers.kv_cache import kv_bytes_per_token
from penstock.workers.largest_step import LargestStep
from penstock.workers.memory import DeviceMemory, budget
from penstock.workers.models.decoder import DecoderModel


def measured_budget(
    memory: DeviceMemory, model: DecoderModel, settings: WorkerSettings, bounds: StepBounds,
    cache_dtype: torch.dtype, *, captures: bool,
) -> Budget:  # fmt: skip
    """`captures` is whether decode steps are to be graphs."""
    config, per_token = model.config, kv_bytes_per_token(model.config, cache_dtype)
    graphs = partial(graph_bytes, settings, config, model.dtype.itemsize, bounds)
    return budget(
        memory,
        settings.gpu_memory_utilization,
        LargestStep(model, bounds, cache_dtype, settings.block_size),
        graphs if captures else lambda _: 0,
        staging_bytes(settings, per_token),
    )
