"""Which kernels would compute a model on this machine. Knows when there are some, not how fast they are."""

from penstock.kernels.cpu.compiler import CompileError, find_compiler
from penstock.protocol.errors import ModelError
from penstock.protocol.settings import EngineSettings
from penstock.workers.model_config import ModelConfig
from penstock.workers.native.suited import not_quantizable, unsuited
from penstock.workers.quantization import NO_E4M3, refusal


def describe_kernels(settings: EngineSettings, config: ModelConfig, dtype: str) -> str:
    """In words. Raises ModelError where the worker would: native ones, or few bits, cannot be had as asked."""
    if settings.cpu_kernels == "reference" or settings.world_size > 1:
        return "torch" if settings.world_size == 1 else "torch: native ones are for one rank"
    if settings.quantization == "fp8":
        _refuse_quantization(settings, NO_E4M3)
    try:
        compiler = find_compiler()
    except CompileError as error:
        return _without(settings, str(error))
    if reason := unsuited(config, dtype, settings.block_size, settings.kv_cache_dtype):
        return _without(settings, reason)
    if reason := not_quantizable(config):
        _refuse_quantization(settings, reason)
    return f"native, built by {compiler} on the first start and kept"


def _without(settings: EngineSettings, reason: str) -> str:
    if settings.cpu_kernels == "native":
        raise ModelError(f"--cpu-kernels native is not possible here: {reason}")
    _refuse_quantization(settings, reason)
    return f"torch, several times slower than native ones: {reason}"


def _refuse_quantization(settings: EngineSettings, reason: str) -> None:
    if settings.quantization:
        raise refusal(settings.quantization, reason)
