"""What of a GPU a rank's KV cache may have, found by running the largest steps on it. Knows a model, no driver."""

import torch

from penstock.protocol.settings import WorkerSettings
from penstock.protocol.step_bounds import StepBounds
from penstock.workers.device.decode_graphs import bytes_of_graphs
from penstock.workers.host_copies.swapper import bytes_of_stagings
from penstock.workers.kv_cache import kv_bytes_per_token
from penstock.workers.largest_step import LargestStep
from penstock.workers.memory import GIB, Budget, DeviceMemory, budget
from penstock.workers.models.decoder import DecoderModel


def measured_budget(
    memory: DeviceMemory, model: DecoderModel, settings: WorkerSettings, bounds: StepBounds,
    cache_dtype: torch.dtype, *, captures: bool,
) -> Budget:  # fmt: skip
    """`captures` is whether decode steps are to be graphs."""
    block_size = settings.block_size
    longest = settings.max_model_len or model.config.max_position

    def graphs(decode_bytes: int) -> int:
        row_bytes = model.config.hidden_size * model.dtype.itemsize
        num_blocks = -(-longest // block_size)
        return bytes_of_graphs(bounds.num_seqs, num_blocks, row_bytes, decode_bytes)

    block_bytes = block_size * kv_bytes_per_token(model.config, cache_dtype)
    num_host_blocks = int(settings.swap_space * GIB) // block_bytes
    return budget(
        memory,
        settings.gpu_memory_utilization,
        LargestStep(model, bounds, cache_dtype, block_size),
        graphs if captures else lambda _: 0,
        bytes_of_stagings(num_host_blocks, block_bytes),
    )
