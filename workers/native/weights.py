"""A decoder's weights in the form the kernels read. Knows parameters' names and panels, not the order of operations."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from penstock.kernels.cpu.rope_store import HeadNorms
from penstock.workers.native.products import Matrix, Products
from penstock.workers.weights.loader import OpenModel


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

    def nbytes(self) -> int:
        """Of the matrices; norms are nothing beside them."""
        heads = [] if self.head is self.embed else [self.head]
        inner = [m for w in self.layers for m in (w.qkv, w.o, w.gate_up, w.down)]
        return sum(matrix.nbytes for matrix in (self.embed, *heads, *inner))


def pack_weights(
    opened: OpenModel, products: Products, progress: Callable[[str, float], None]
) -> Weights:
    """Reads each matrix from where the checkpoint lies, once."""
    packer, config = _Packer(opened, products), opened.config
    embed = packer.matrix("embed")
    layers = []
    for index in range(config.num_layers):
        progress("weights", index / config.num_layers)
        layers.append(packer.layer(f"layers.{index}"))
    head = embed if config.tie_embeddings else packer.matrix("head")
    return Weights(embed, layers, packer.vector("norm.weight"), head)


@dataclass(frozen=True, slots=True)
class _Packer:
    opened: OpenModel
    products: Products

    def layer(self, name: str) -> LayerWeights:
        return LayerWeights(
            input_norm=self.vector(f"{name}.input_norm.weight"),
            qkv=self.matrix(f"{name}.attention.qkv"),
            head_norms=self._head_norms(f"{name}.attention"),
            o=self.matrix(f"{name}.attention.o"),
            mlp_norm=self.vector(f"{name}.mlp_norm.weight"),
            gate_up=self.products.pack_gate_up(*self._linear(f"{name}.mlp.gate_up")),
            down=self.matrix(f"{name}.mlp.down"),
        )

    def matrix(self, name: str) -> Matrix:
        return self.products.pack(*self._linear(name))

    def vector(self, name: str) -> torch.Tensor:
        """A copy: the checkpoint's file is to be let go."""
        return torch.cat(self._parts(name)).clone()

    def _linear(self, name: str) -> tuple[Sequence[torch.Tensor], torch.Tensor | None]:
        has_bias = f"{name}.bias" in self.opened.parts
        return self._parts(f"{name}.weight"), self.vector(f"{name}.bias") if has_bias else None

    def _parts(self, name: str) -> list[torch.Tensor]:
        return [part.to(self.opened.dtype) for part in self.opened.parts[name]]

    def _head_norms(self, name: str) -> HeadNorms | None:
        config = self.opened.config
        if not config.qk_norm:
            return None
        q_weight_D, k_weight_D = (self.vector(f"{name}.{of}_norm.weight") for of in "qk")
        return HeadNorms(q_weight_D, k_weight_D, config.rms_norm_eps)
