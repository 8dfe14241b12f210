"""What lies between the operations of a forward pass. Knows sizes, not operations.

Allocated once for the largest step; memory is claimed only where a step has touched it.

T tokens, N sampled tokens, D hidden size, H query heads, C columns of the fused qkv, F width of the MLP, V vocabulary.
"""

from dataclasses import dataclass

import torch

from penstock.kernels.cpu.kv_layout import KVLayout
from penstock.kernels.cpu.memory import zeros
from penstock.kernels.cpu.paged_attention import attention_scratch
from penstock.workers.model_config import ModelConfig


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
    )


def make_head_buffers(config: ModelConfig, dtype: torch.dtype, num_rows: int) -> HeadBuffers:
    return HeadBuffers(
        hidden_ND=zeros((num_rows, config.hidden_size), dtype),
        logits_NV=zeros((num_rows, config.vocab_size), torch.float32),
    )
