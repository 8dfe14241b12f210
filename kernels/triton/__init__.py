"""Kernels for GPUs, in Triton; with TRITON_INTERPRET=1 the same source runs on a CPU. Know no model and no requests."""

from penstock.kernels.reference.embedding import embedding
from penstock.kernels.triton.add_rms_norm import add_rms_norm
from penstock.kernels.triton.fused_experts import fused_experts
from penstock.kernels.triton.fused_experts_e4m3 import fused_experts_e4m3
from penstock.kernels.triton.fused_experts_int4 import fused_experts_int4
from penstock.kernels.triton.fused_experts_int8 import fused_experts_int8
from penstock.kernels.triton.linear import linear
from penstock.kernels.triton.linear_e4m3 import linear_e4m3
from penstock.kernels.triton.linear_int4 import linear_int4
from penstock.kernels.triton.linear_int8 import linear_int8
from penstock.kernels.triton.paged_attention import paged_attention
from penstock.kernels.triton.quantize_rows_e4m3 import quantize_rows_e4m3
from penstock.kernels.triton.rms_norm import rms_norm
from penstock.kernels.triton.rope_store_kv import rope_store_kv
from penstock.kernels.triton.route import route
from penstock.kernels.triton.silu_mul import silu_mul

READS_ON_HOST: frozenset[str] = frozenset()

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
    "rope_store_kv",
    "route",
    "silu_mul",
]
