"""Kernels for GPUs, in Triton; with TRITON_INTERPRET=1 the same source runs on a CPU. Know no model and no requests."""

from penstock.kernels.reference.embedding import embedding
from penstock.kernels.reference.linear import linear
from penstock.kernels.triton.add_rms_norm import add_rms_norm
from penstock.kernels.triton.fused_experts import fused_experts
from penstock.kernels.triton.paged_attention import paged_attention
from penstock.kernels.triton.rms_norm import rms_norm
from penstock.kernels.triton.rope_store_kv import rope_store_kv
from penstock.kernels.triton.route import route
from penstock.kernels.triton.silu_mul import silu_mul

READS_ON_HOST = frozenset({"fused_experts"})

__all__ = [
    "READS_ON_HOST",
    "add_rms_norm",
    "embedding",
    "fused_experts",
    "linear",
    "paged_attention",
    "rms_norm",
    "rope_store_kv",
    "route",
    "silu_mul",
]
