"""What an operator should hear and do when a worker fails. Knows exceptions and settings, not the model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType

from penstock.protocol.errors import PenstockError
from penstock.protocol.settings import WorkerSettings
from penstock.protocol.step_bounds import StepBounds

_MEMORY_SIGNS = ("can't allocate memory", "out of memory", "cannot allocate")
_GIB = 1 << 30


class Phase(Enum):
    """How far a worker has come."""

    LOADING = auto()
    MEASURING = auto()
    """What the largest step takes; on GPUs alone."""
    CACHE = auto()
    STEPS = auto()


@dataclass(slots=True)
class Circumstances:
    """What is known when something fails; the worker writes it down as it goes."""

    settings: WorkerSettings
    device: str = "cpu"
    phase: Phase = Phase.LOADING
    weights_bytes: int = 0
    """0 while unknown."""
    bounds: StepBounds | None = None
    num_blocks: int = 0


def explain(error: BaseException, found: Circumstances) -> tuple[str, str]:
    """A message, and advice or an empty string."""
    if is_out_of_memory(error):
        return f"out of memory: {_first_line(error)}", _ADVICE[found.phase](found)
    if isinstance(error, PenstockError):
        return str(error), ""
    return f"{type(error).__name__}: {_first_line(error)}", "The worker's log holds the traceback."


def is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError | OSError) and any(s in text for s in _MEMORY_SIGNS)


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def _loading(found: Circumstances) -> str:
    weights = f"The weights{_gib(found)} do"
    if found.device == "cpu":
        return f"{weights} not fit: choose a smaller model or --dtype bfloat16, or free memory on this machine."
    return (
        f"{weights} not fit this GPU: share them among more of them (--tensor-parallel-size), choose a "
        "smaller model, or end what else holds its memory (nvidia-smi shows it)."
    )


def _measuring(found: Circumstances) -> str:
    return (
        f"The weights{_gib(found)} are loaded, but a step of {_step(found)} does not fit beside them: lower "
        "--max-num-batched-tokens or --max-num-seqs, or share the model among more GPUs (--tensor-parallel-size)."
    )


def _cache(found: Circumstances) -> str:
    return (
        f"The KV cache of {found.num_blocks} blocks does not fit: lower {_cache_flag(found)}, or end "
        "what else takes memory here."
    )


def _steps(found: Circumstances) -> str:
    return (
        f"Lower {_cache_flag(found)} to leave more beside the cache, or let less run at once than {_step(found)}: "
        "--max-num-batched-tokens, --max-num-seqs."
    )


def _gib(found: Circumstances) -> str:
    return f" ({found.weights_bytes / _GIB:.2f} GiB)" if found.weights_bytes else ""


def _step(found: Circumstances) -> str:
    assert found.bounds is not None
    return f"{found.bounds.num_tokens} tokens and {found.bounds.num_seqs} sequences"


def _cache_flag(found: Circumstances) -> str:
    """What decides the cache's size, as it is now."""
    settings = found.settings
    if settings.kv_cache_memory_bytes is not None:
        return f"--kv-cache-memory-bytes ({settings.kv_cache_memory_bytes})"
    return f"--gpu-memory-utilization ({settings.gpu_memory_utilization:g})"


_ADVICE: Mapping[Phase, Callable[[Circumstances], str]] = MappingProxyType(
    {
        Phase.LOADING: _loading,
        Phase.MEASURING: _measuring,
        Phase.CACHE: _cache,
        Phase.STEPS: _steps,
    }
)
