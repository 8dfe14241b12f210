"""Whether the native kernels can serve a model, and if not, why. Knows shapes and settings; needs no torch."""

from penstock.kernels.cpu.limits import DTYPES, GROUP, MAX_HEAD_DIM, PAGE, value_width
from penstock.protocol.settings.worker import KVCacheDtype
from penstock.workers.kv_dtype import NO_FP8, kv_dtype
from penstock.workers.model_config import ModelConfig


def unsuited(
    config: ModelConfig, dtype: str, block_size: int, kv_cache_dtype: KVCacheDtype = "auto"
) -> str | None:
    """Why the kernels cannot serve such a model in `dtype`, by its name in torch; None when they can."""
    if dtype not in DTYPES:
        return f"they know {' and '.join(DTYPES)}, not {dtype}"
    if kv_dtype(kv_cache_dtype, dtype) != dtype:
        return f"--kv-cache-dtype {kv_cache_dtype}: {NO_FP8}"
    if block_size % PAGE:
        return f"--block-size {block_size} is not a multiple of {PAGE}"
    if config.head_dim > MAX_HEAD_DIM:
        return f"a head of {config.head_dim} is larger than {MAX_HEAD_DIM}"
    widths = (*config.product_widths, config.head_dim)
    if any(width % 2 for width in widths):
        return f"a width of the model is odd: {widths}"
    return None


def kv_values_per_token(config: ModelConfig) -> int:
    """Numbers that one token takes in the native cache, in all layers; some hold nothing."""
    of_head = config.head_dim + value_width(config.head_dim)
    return config.num_layers * config.num_kv_heads * of_head


def not_quantizable(config: ModelConfig) -> str | None:
    """Why its matrices cannot be cut into groups; None when they can."""
    widths = config.product_widths
    if any(width % GROUP for width in widths):
        return f"a width of the model is not a multiple of {GROUP}: {widths}"
    return None
