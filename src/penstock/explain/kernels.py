"""Which kernels would compute a model on this machine. Knows when there are some, not how fast they are."""

from penstock.kernels.cpu.compiler import CompileError, find_compiler
from penstock.protocol.errors import ModelError
from penstock.protocol.settings import EngineSettings
from penstock.workers.kv_dtype import NO_FP8, kv_dtype

NATIVE_DTYPES = ("bfloat16", "float32")
PAGE = 16
"""Tokens; the native cache is laid out in pages of them."""


def describe_kernels(settings: EngineSettings, dtype: str) -> str:
    """In words. Raises ModelError where native ones were asked for by name and cannot be had."""
    if settings.cpu_kernels == "reference":
        return "torch"
    try:
        compiler = find_compiler()
    except CompileError as error:
        return _without(settings, str(error))
    if dtype not in NATIVE_DTYPES:
        return _without(settings, f"they know {' and '.join(NATIVE_DTYPES)}, not {dtype}")
    if kv_dtype(settings.kv_cache_dtype, dtype) != dtype:
        return _without(settings, f"--kv-cache-dtype {settings.kv_cache_dtype}: {NO_FP8}")
    if settings.block_size % PAGE:
        return _without(settings, f"--block-size {settings.block_size} is not a multiple of {PAGE}")
    return f"native, built by {compiler} on the first start and kept"


def _without(settings: EngineSettings, reason: str) -> str:
    if settings.cpu_kernels == "native":
        raise ModelError(f"--cpu-kernels native is not possible here: {reason}")
    return f"torch, several times slower than native ones: {reason}"
