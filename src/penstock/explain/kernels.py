"""Which kernels would compute a model on this machine. Knows when there are some, not how fast they are."""

from importlib.util import find_spec

from penstock.kernels.cpu.compiler import CompileError, find_compiler
from penstock.protocol.errors import ModelError
from penstock.protocol.settings import EngineSettings
from penstock.workers.lacking import NO_TRITON
from penstock.workers.model_config import ModelConfig
from penstock.workers.native.suited import not_quantizable, unsuited
from penstock.workers.parallel.part import part_of_rank
from penstock.workers.quantization import NO_E4M3, refusal
from penstock.workers.quantization import not_quantizable as not_roundable


def describe_kernels(
    settings: EngineSettings, config: ModelConfig, dtype: str, device: str = "cpu"
) -> str:
    """In words. Raises ModelError where the worker would: native ones, or few bits, cannot be had as asked."""
    return _on_gpus(settings, config) if device == "cuda" else _on_cpus(settings, config, dtype)


def _on_gpus(settings: EngineSettings, config: ModelConfig) -> str:
    """Parts are cut alike within a stage, and stages are alike but for their number of layers."""
    if find_spec("triton") is None:
        raise ModelError(NO_TRITON)
    part = part_of_rank(0, settings.tensor_parallel_size, settings.pipeline_parallel_size)
    if settings.quantization:
        widths = part.of(config).product_widths
        if reason := not_roundable(settings.quantization, widths):
            _refuse_quantization(settings, reason)
    return "Triton"


def _on_cpus(settings: EngineSettings, config: ModelConfig, dtype: str) -> str:
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
