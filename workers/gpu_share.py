"""How a GPU's memory is divided. Knows numbers of bytes, not how they were found: plans estimate, starts measure.

[ taken: by others, the context, the weights | the largest step | graphs | staging | KV cache ]  and what is beyond
                                                                                    the utilization
"""

from typing import NamedTuple

from penstock.protocol.settings.worker import WorkerSettings
from penstock.protocol.step_bounds import StepBounds
from penstock.workers.device.graph_sizes import bytes_of_graphs
from penstock.workers.host_copies.sizes import bytes_of_stagings
from penstock.workers.host_memory import Memory
from penstock.workers.model_config import ModelConfig

GIB = 1 << 30


class Budget(NamedTuple):
    """A GPU's memory in bytes, as the start divides it."""

    total: int
    taken: int
    step: int
    graphs: int
    staging: int
    cache: int

    def __str__(self) -> str:
        total, taken, step, graphs, staging, cache = (part / GIB for part in self)
        return (
            f"{total:.2f} GiB in all, {taken:.2f} taken, {step:.2f} for the largest step, "
            f"{graphs:.2f} for CUDA graphs, {staging:.2f} to swap through, "
            f"{cache:.2f} for the KV cache"
        )


def divided(memory: Memory, utilization: float, *, step: int, graphs: int, staging: int) -> Budget:
    """The cache gets what is left of the utilization."""
    taken = memory.total - memory.free
    cache = int(memory.total * utilization) - taken - step - graphs - staging
    return Budget(memory.total, taken, step, graphs, staging, max(0, cache))


def graph_bytes(
    settings: WorkerSettings, config: ModelConfig, item_bytes: int, bounds: StepBounds, decode: int
) -> int:
    """For graphs of decode steps, of which the largest takes `decode`; `item_bytes` are those of a state's number."""
    longest = settings.max_model_len or config.max_position
    num_blocks = -(-longest // settings.block_size)
    return bytes_of_graphs(bounds.num_seqs, num_blocks, config.hidden_size * item_bytes, decode)


def staging_bytes(settings: WorkerSettings, bytes_per_token: int) -> int:
    """For as many host blocks as were asked for; the host may have room for fewer."""
    block_bytes = settings.block_size * bytes_per_token
    return bytes_of_stagings(int(settings.swap_space * GIB) // block_bytes, block_bytes)
