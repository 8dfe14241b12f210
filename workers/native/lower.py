"""The decoder as a program: models/decoder.py once more, in fused operations. Knows their order, not their insides.

A layer adds to the residual twice; norms read it in float32, and products fold in what follows them.
"""

from dataclasses import dataclass

import torch

from penstock.kernels.cpu.paged_attention import add_paged_attention
from penstock.kernels.cpu.program import Extent, Program
from penstock.kernels.cpu.rms_norm import add_rms_norm
from penstock.kernels.cpu.rope_store import add_rope_store
from penstock.workers.model_config import ModelConfig
from penstock.workers.native.buffers import Buffers, HeadBuffers
from penstock.workers.native.cache import NativeCache
from penstock.workers.native.products import Products
from penstock.workers.native.sparse_mlp import add_sparse_mlp
from penstock.workers.native.weights import LayerWeights, SparseWeights, Weights


@dataclass(frozen=True, slots=True)
class Decoder:
    """Everything a forward pass reads and writes but its step."""

    config: ModelConfig
    weights: Weights
    products: Products
    """Who packed them."""
    cache: NativeCache
    cos_PE: torch.Tensor
    sin_PE: torch.Tensor
    buffers: Buffers


def add_decoder(program: Program, decoder: Decoder) -> None:
    """From token ids to the residual after the last layer."""
    buffers = decoder.buffers
    decoder.products.embed(program, decoder.weights.embed, buffers.residual_TD)
    for index, weights in enumerate(decoder.weights.layers):
        _add_attention(program, decoder, weights, index)
        _add_mlp(program, decoder, weights)


def add_head(program: Program, decoder: Decoder, head: HeadBuffers) -> None:
    """From the residual to the logits of the step's sampled tokens."""
    residual_TD, eps = decoder.buffers.residual_TD, decoder.config.rms_norm_eps
    norm = decoder.weights.norm
    add_rms_norm(program, Extent.SAMPLES, residual_TD, norm, head.hidden_ND, eps)
    decoder.products.linear(
        program, Extent.SAMPLES, head.hidden_ND, decoder.weights.head, head.logits_NV
    )


def _add_attention(program: Program, decoder: Decoder, weights: LayerWeights, index: int) -> None:
    buffers, config = decoder.buffers, decoder.config
    cache, layout = decoder.cache.layer(index), decoder.cache.layout
    normed_TD, eps = buffers.normed_TD, config.rms_norm_eps
    add_rms_norm(program, Extent.TOKENS, buffers.residual_TD, weights.input_norm, normed_TD, eps)
    decoder.products.linear(program, Extent.TOKENS, normed_TD, weights.qkv, buffers.qkv_TC)
    add_rope_store(
        program, buffers.qkv_TC, decoder.cos_PE, decoder.sin_PE, buffers.q_THD, cache, layout,
        weights.head_norms,
    )  # fmt: skip
    add_paged_attention(
        program, buffers.q_THD, cache, buffers.attended_THD, layout, buffers.scratch_PW,
        scale=config.head_dim**-0.5, window=config.windows[index],
    )  # fmt: skip
    attended_TI = buffers.attended_THD.flatten(1)
    decoder.products.add_to_residual(program, attended_TI, weights.o, buffers.residual_TD)


def _add_mlp(program: Program, decoder: Decoder, weights: LayerWeights) -> None:
    buffers, products = decoder.buffers, decoder.products
    normed_TD, eps = buffers.normed_TD, decoder.config.rms_norm_eps
    add_rms_norm(program, Extent.TOKENS, buffers.residual_TD, weights.mlp_norm, normed_TD, eps)
    if isinstance(weights.mlp, SparseWeights):
        experts = decoder.config.experts
        assert experts is not None
        add_sparse_mlp(program, products, experts, weights.mlp, buffers)
    else:
        products.gate_up(program, normed_TD, weights.mlp.gate_up, buffers.gated_TF)
        products.add_to_residual(program, buffers.gated_TF, weights.mlp.down, buffers.residual_TD)
