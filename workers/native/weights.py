"""A decoder's weights in the form the kernels read. Knows parameters' names and panels, not the order of operations."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from penstock.kernels.cpu.rope_store import HeadNorms
from penstock.kernels.cpu.weights import Packed
from penstock.workers.model_config import ExpertsConfig
from penstock.workers.native.products import Matrix, Products
from penstock.workers.weights.loader import OpenModel


@dataclass(frozen=True, slots=True)
class DenseWeights:
    """Of an MLP."""

    gate_up: Matrix
    down: Matrix

    @property
    def nbytes(self) -> int:
        return self.gate_up.nbytes + self.down.nbytes


@dataclass(frozen=True, slots=True)
class SparseWeights:
    """Of a mixture of experts."""

    router: Packed
    """A column for each expert, and one for the gate of the expert for all, if there is one."""
    experts: DenseWeights
    """As many matrices each as there are experts."""
    shared: DenseWeights | None

    @property
    def nbytes_of_all(self) -> int:
        """What every token goes through."""
        return self.router.nbytes + (self.shared.nbytes if self.shared else 0)


@dataclass(frozen=True, slots=True)
class LayerWeights:
    """One decoder layer. Norms stay as they are, [D] in the model's dtype."""

    input_norm: torch.Tensor
    qkv: Matrix
    head_norms: HeadNorms | None
    o: Matrix
    mlp_norm: torch.Tensor
    mlp: DenseWeights | SparseWeights


@dataclass(frozen=True, slots=True)
class Weights:
    """`head` is `embed` itself when the two are tied."""

    embed: Matrix
    layers: list[LayerWeights]
    norm: torch.Tensor
    head: Matrix

    def nbytes(self) -> int:
        """Of the matrices; norms are nothing beside them."""
        return self.dense_nbytes() + self.expert_nbytes()

    def dense_nbytes(self) -> int:
        """Of what every token goes through."""
        heads = [] if self.head is self.embed else [self.head]
        inner = [matrix for layer in self.layers for matrix in (layer.qkv, layer.o)]
        return sum(matrix.nbytes for matrix in (self.embed, *heads, *inner)) + sum(
            layer.mlp.nbytes_of_all if isinstance(layer.mlp, SparseWeights) else layer.mlp.nbytes
            for layer in self.layers
        )

    def expert_nbytes(self) -> int:
        """Of what a token goes through in part."""
        mlps = [layer.mlp for layer in self.layers]
        return sum(mlp.experts.nbytes for mlp in mlps if isinstance(mlp, SparseWeights))


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
            mlp=self._mlp(f"{name}.mlp"),
        )

    def _mlp(self, name: str) -> DenseWeights | SparseWeights:
        experts = self.opened.config.experts
        if experts is None or f"{name}.router.weight" not in self.opened.parts:
            return self._dense(name)
        shared = self._dense(f"{name}.shared") if experts.shared_width else None
        gate = self._parts(f"{name}.shared_gate.weight") if shared else []
        router = self.products.pack_exact([*self._parts(f"{name}.router.weight"), *gate])
        return SparseWeights(router, self._experts(f"{name}.experts", experts), shared)

    def _dense(self, name: str) -> DenseWeights:
        gate_up = self.products.pack_gate_up(*self._linear(f"{name}.gate_up"))
        return DenseWeights(gate_up, self.matrix(f"{name}.down"))

    def _experts(self, name: str, experts: ExpertsConfig) -> DenseWeights:
        count = experts.num_experts
        gate_up, down = (self._parts(f"{name}.{part}.weight") for part in ("gate_up", "down"))
        return DenseWeights(
            self.products.pack_gate_up(gate_up, None, count), self.products.pack(down, None, count)
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
