"""What an operator set and where it came from, and rows that say so. Knows no model."""

from typing import NamedTuple

from penstock.explain.rows import Row, Sources, mib
from penstock.protocol.settings import EngineSettings, FrontendSettings, ServeSettings

MEASURED = "estimate, from measured runs"


class Asked(NamedTuple):
    """What the operator set, with the sources of what was set."""

    engine: EngineSettings
    frontend: FrontendSettings
    serve: ServeSettings
    sources: Sources


def size(name: str, value: int, source: str) -> Row:
    """Of so many bytes."""
    return Row(name, value, mib(value), source)


def weights_source(asked: Asked) -> str:
    rounded = asked.engine.quantization
    return f"model, rounded to {rounded}" if rounded else "model, in the dtype that is served"


def kv_source(asked: Asked, on_gpu: bool = False) -> str:
    if asked.engine.num_gpu_blocks_override:
        return asked.sources.of("num_gpu_blocks_override")
    if asked.engine.kv_cache_memory_bytes is not None:
        return asked.sources.of("kv_cache_memory_bytes")
    left = (
        "memory: what is left, at most"
        if on_gpu
        else "memory: half of what is left, claimed as used"
    )
    return asked.sources.of("gpu_memory_utilization", left)
