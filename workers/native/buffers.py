"""What lies between the operations of a forward pass. Knows sizes, not operations.

Allocated once for the largest step; memory is claimed only where a step has touched it.

T tokens, N sampled tokens, D hidden size, H query heads, C columns of the fused qkv, F width of the MLP, V vocabulary;
of experts: C columns of the router, N rows, F their width, S that of the expert for all.
"""

from dataclasses import dataclass

import torch

from penstock.kernels.cpu.group import Groups, make_groups
from penstock.kernels.cpu.kv_layout import KVLayout
from penstock.kernels.cpu.memory import zeros
from penstock.kernels.cpu.paged_attention import attention_scratch
from penstock.kernels.cpu.route import Routes, make_routes
from penstock.workers.model_config import ExpertsConfig, ModelConfig


@dataclass(frozen=True, slots=True)
class ExpertBuffers:
    """Between a router and the residual: what feeds a product is the model's dtype, the rest float32."""

    logits_TC: torch.Tensor
    routes: Routes
    groups: Groups
    gated_NF: torch.Tensor
    out_ND: torch.Tensor
    shared_gated_TS: torch.Tensor
    shared_out_TD: torch.Tensor


@dataclass(frozen=True, slots=True)
class Buffers:
    """The residual, the fused projection and logits are float32, what feeds a product is the model's dtype."""

    residual_TD: torch.Tensor
    normed_TD: torch.Tensor
    qkv_TC: torch.Tensor
    q_THD: torch.Tensor
    attended_THD: torch.Tensor
    gated_TF: torch.Tensor
    scratch_PW: torch.Tensor
    """Where threads that share one long row leave their parts."""
    experts: ExpertBuffers | None


@dataclass(frozen=True, slots=True)
class HeadBuffers:
    """From the final norm to the logits."""

    hidden_ND: torch.Tensor
    logits_NV: torch.Tensor


def make_buffers(
    config: ModelConfig, dtype: torch.dtype, num_tokens: int, layout: KVLayout
) -> Buffers:
    qkv_size = config.q_size + 2 * config.kv_size
    return Buffers(
        residual_TD=zeros((num_tokens, config.hidden_size), torch.float32),
        normed_TD=zeros((num_tokens, config.hidden_size), dtype),
        qkv_TC=zeros((num_tokens, qkv_size), torch.float32),
        q_THD=zeros((num_tokens, config.num_heads, config.head_dim), dtype),
        attended_THD=zeros((num_tokens, config.num_heads, config.head_dim), dtype),
        gated_TF=zeros((num_tokens, config.intermediate_size), dtype),
        scratch_PW=attention_scratch(layout),
        experts=_expert_buffers(config.experts, config.hidden_size, dtype, num_tokens)
        if config.experts
        else None,
    )


def _expert_buffers(
    experts: ExpertsConfig, hidden_size: int, dtype: torch.dtype, num_tokens: int
) -> ExpertBuffers:
    num_rows, has_shared = num_tokens * experts.num_chosen, bool(experts.shared_width)
    return ExpertBuffers(
        logits_TC=zeros((num_tokens, experts.num_experts + has_shared), torch.float32),
        routes=make_routes(num_tokens, experts.num_chosen),
        groups=make_groups(num_tokens, experts.num_chosen, experts.num_experts),
        gated_NF=zeros((num_rows, experts.width), dtype),
        out_ND=zeros((num_rows, hidden_size), torch.float32),
        shared_gated_TS=zeros((num_tokens, experts.shared_width), dtype),
        shared_out_TD=zeros((num_tokens, hidden_size), torch.float32),
    )


def make_head_buffers(config: ModelConfig, dtype: torch.dtype, num_rows: int) -> HeadBuffers:
    return HeadBuffers(
        hidden_ND=zeros((num_rows, config.hidden_size), dtype),
        logits_NV=zeros((num_rows, config.vocab_size), torch.float32),
    )
