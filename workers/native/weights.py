"""A decoder's weights in the form the kernels read. Knows modules and panels, not the order of operations.

Each matrix leaves the module as soon as it is packed, so that memory holds one of them twice, not all.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from penstock.kernels.cpu.library import Library
from penstock.kernels.cpu.program import Team
from penstock.kernels.cpu.rope_store import HeadNorms
from penstock.kernels.cpu.weights import Packed, pack, pack_gate_up
from penstock.workers.models.decoder import DecoderLayer, DecoderModel
from penstock.workers.models.layers import Attention, Embedding, Linear

Packer = Callable[[Library, Team, torch.Tensor, torch.Tensor | None], Packed]


@dataclass(frozen=True, slots=True)
class LayerWeights:
    """One decoder layer. Norms stay as they are, [D] in the model's dtype."""

    input_norm: torch.Tensor
    qkv: Packed
    head_norms: HeadNorms | None
    o: Packed
    mlp_norm: torch.Tensor
    gate_up: Packed
    down: Packed


@dataclass(frozen=True, slots=True)
class Weights:
    """`head` is `embed` itself when the two are tied."""

    embed: Packed
    layers: list[LayerWeights]
    norm: torch.Tensor
    head: Packed


def take_weights(
    model: DecoderModel, library: Library, team: Team, progress: Callable[[str, float], None]
) -> Weights:
    """Empties the model's matrices."""
    taker = _Taker(library, team)
    embed = taker.take(model.embed)
    layers = []
    for done, layer in enumerate(model.layers):
        assert isinstance(layer, DecoderLayer)
        progress("packing weights", done / len(model.layers))
        layers.append(taker.layer(layer))
    head = embed if model.config.tie_embeddings else taker.take(model.head)
    return Weights(embed, layers, model.norm.weight.data, head)


@dataclass(frozen=True, slots=True)
class _Taker:
    library: Library
    team: Team

    def layer(self, layer: DecoderLayer) -> LayerWeights:
        attention = layer.attention
        return LayerWeights(
            input_norm=layer.input_norm.weight.data,
            qkv=self.take(attention.qkv),
            head_norms=_head_norms(layer.attention),
            o=self.take(attention.o),
            mlp_norm=layer.mlp_norm.weight.data,
            gate_up=self.take(layer.mlp.gate_up, pack_gate_up),
            down=self.take(layer.mlp.down),
        )

    def take(self, module: Linear | Embedding, packer: Packer = pack) -> Packed:
        bias_O = (
            module.bias.data if isinstance(module, Linear) and module.bias is not None else None
        )
        packed = packer(self.library, self.team, module.weight.data, bias_O)
        module.weight.data = module.weight.data.new_empty(0)
        return packed


def _head_norms(attention: Attention) -> HeadNorms | None:
    if not attention.config.qk_norm:
        return None
    q_norm, k_norm = attention.q_norm, attention.k_norm
    return HeadNorms(q_norm.weight.data, k_norm.weight.data, q_norm.eps)
