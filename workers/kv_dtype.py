"""What the KV cache keeps its numbers in. Knows names of types, as torch has them, and no tensors."""

from penstock.protocol.errors import ModelError
from penstock.protocol.settings.worker import KVCacheDtype

FP8 = "float8_e4m3fn"
NO_FP8 = "they keep keys and values in the type of the model"
"""Why native kernels leave such a cache to torch."""
ITEM_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2, FP8: 1}


def kv_dtype(asked: KVCacheDtype, served: str) -> str:
    """For a model that is served in `served`. Raises ModelError where the two do not go together."""
    if asked in ("fp8", "fp8_e4m3"):
        return FP8
    if asked not in ("auto", served):
        raise ModelError(
            f"--kv-cache-dtype {asked}: the model is served in {served}, and its keys and values are kept in that or "
            f"in fp8; leave it at auto, or serve with --dtype {asked}"
        )
    return served
