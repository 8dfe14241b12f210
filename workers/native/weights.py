"""A decoder's weights in the form the kernels read. Knows modules and panels, not the order of operations.

Each matrix leaves the module as soon as it is packed, so that memory holds one of them twice, not all.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from penstock.kernels.cpu.rope_store import HeadNorms
from penstock.workers.models.decoder import DecoderLayer, DecoderModel
from penstock.workers.models.layers import Attention, Embedding, Linear
from penstock.workers.native.products import Matrix, Products


@dataclass(frozen=True, slots=True)
class LayerWeights:
    """One decoder layer. Norms stay as they are, [D] in the model's dtype."""

    input_norm: torch.Tensor
    qkv: Matrix
    head_norms: HeadNorms | None
    o: Matrix
    mlp_norm: torch.Tensor
    gate_up: Matrix
    down: Matrix


@dataclass(frozen=True, slots=True)
class Weights:
    """`head` is `embed` itself when the two are tied."""

    embed: Matrix
    layers: list[LayerWeights]
    norm: torch.Tensor
    head: Matrix


def take_weights(
    model: DecoderModel, products: Products, progress: Callable[[str, float], None]
) -> Weights:
    """Empties the model's matrices."""
    embed = _take(model.embed, products.pack)
    layers = []
    for done, layer in enumerate(model.layers):
        assert isinstance(layer, DecoderLayer)
        progress("packing weights", done / len(model.layers))
        layers.append(_take_layer(layer, products))
    head = embed if model.config.tie_embeddings else _take(model.head, products.pack)
    return Weights(embed, layers, model.norm.weight.data, head)


def _take_layer(layer: DecoderLayer, products: Products) -> LayerWeights:
    attention, mlp = layer.attention, layer.mlp
    return LayerWeights(
        input_norm=layer.input_norm.weight.data,
        qkv=_take(attention.qkv, products.pack),
        head_norms=_head_norms(attention),
        o=_take(attention.o, products.pack),
        mlp_norm=layer.mlp_norm.weight.data,
        gate_up=_take(mlp.gate_up, products.pack_gate_up),
        down=_take(mlp.down, products.pack),
    )


def _take(
    module: Linear | Embedding, pack: Callable[[torch.Tensor, torch.Tensor | None], Matrix]
) -> Matrix:
    bias_O = module.bias.data if isinstance(module, Linear) and module.bias is not None else None
    packed = pack(module.weight.data, bias_O)
    module.weight.data = module.weight.data.new_empty(0)
    return packed


def _head_norms(attention: Attention) -> HeadNorms | None:
    if not attention.config.qk_norm:
        return None
    q_norm, k_norm = attention.q_norm, attention.k_norm
    return HeadNorms(q_norm.weight.data, k_norm.weight.data, q_norm.eps)
