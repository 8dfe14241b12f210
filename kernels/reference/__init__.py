"""The oracle: every op in plain torch, on any device. Knows nothing of speed."""

from penstock.kernels.reference.add_rms_norm import add_rms_norm
from penstock.kernels.reference.embedding import embedding
from penstock.kernels.reference.fused_experts import fused_experts
from penstock.kernels.reference.fused_experts_e4m3 import fused_experts_e4m3
from penstock.kernels.reference.fused_experts_int4 import fused_experts_int4
from penstock.kernels.reference.fused_experts_int8 import fused_experts_int8
from penstock.kernels.reference.linear import linear
from penstock.kernels.reference.linear_e4m3 import linear_e4m3
from penstock.kernels.reference.linear_int4 import linear_int4
from penstock.kernels.reference.linear_int8 import linear_int8
from penstock.kernels.reference.paged_attention import paged_attention
from penstock.kernels.reference.quantize_rows_e4m3 import quantize_rows_e4m3
from penstock.kernels.reference.rms_norm import rms_norm
from penstock.kernels.reference.rope import rope
from penstock.kernels.reference.rope_store_kv import rope_store_kv
from penstock.kernels.reference.route import route
from penstock.kernels.reference.silu_mul import silu_mul
from penstock.kernels.reference.store_kv import store_kv

READS_ON_HOST = frozenset(
    {
        "fused_experts",
        "fused_experts_e4m3",
        "fused_experts_int4",
        "fused_experts_int8",
        "paged_attention",
        "rope_store_kv",
    }
)

__all__ = [
    "READS_ON_HOST",
    "add_rms_norm",
    "embedding",
    "fused_experts",
    "fused_experts_e4m3",
    "fused_experts_int4",
    "fused_experts_int8",
    "linear",
    "linear_e4m3",
    "linear_int4",
    "linear_int8",
    "paged_attention",
    "quantize_rows_e4m3",
    "rms_norm",
    "rope",
    "rope_store_kv",
    "route",
    "silu_mul",
    "store_kv",
]
