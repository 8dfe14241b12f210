"""What a rank's weights take, layer by layer, from a model's shape. Knows no checkpoint and no tensor."""

from collections.abc import Iterator
from typing import NamedTuple

from penstock.workers.model_config import ModelConfig
from penstock.workers.parallel.part import Part
from penstock.workers.quantization import Quantization, rounded_bytes


class Served(NamedTuple):
    """Bytes of a number, and how matrices are rounded, if they are."""

    item_bytes: int
    quantization: Quantization | None = None

    def matrix(self, num_outputs: int, num_inputs: int) -> int:
        if self.quantization is None:
            return num_outputs * num_inputs * self.item_bytes
        return rounded_bytes(self.quantization, num_outputs, num_inputs)


class RankWeights(NamedTuple):
    """Bytes of each layer, and of embedding, head and last norm."""

    layers: list[int]
    rest: int

    @property
    def total(self) -> int:
        return sum(self.layers) + self.rest


def rank_weights(config: ModelConfig, part: Part, served: Served) -> RankWeights:
    """`config` is the whole model's. Raises ModelError where it cannot be split so."""
    own = part.of(config)
    layers = [_layer(own, index, served) for index in range(own.num_layers)]
    return RankWeights(layers, _ends(config, part, served))


def _layer(config: ModelConfig, index: int, served: Served) -> int:
    matrices = sum(served.matrix(*shape) for shape in _matrices(config, index))
    return matrices + served.item_bytes * sum(_exact(config, index))


def _matrices(config: ModelConfig, index: int) -> Iterator[tuple[int, int]]:
    """Outputs and inputs of those that may be rounded."""
    hidden, experts = config.hidden_size, config.experts
    yield config.q_size + 2 * config.kv_size, hidden
    yield hidden, config.q_size
    if experts is None or not experts.layers[index]:
        yield from _mlp(hidden, config.intermediate_size)
        return
    yield experts.num_experts * 2 * experts.width, hidden
    yield experts.num_experts * hidden, experts.width
    if experts.shared_width:
        yield from _mlp(hidden, experts.shared_width)


def _mlp(hidden: int, width: int) -> Iterator[tuple[int, int]]:
    yield 2 * width, hidden
    yield hidden, width


def _exact(config: ModelConfig, index: int) -> Iterator[int]:
    """Numbers of what is never rounded: norms, biases, routers."""
    hidden, experts = config.hidden_size, config.experts
    yield 2 * hidden + 2 * config.head_dim * config.qk_norm
    yield (config.q_size + 2 * config.kv_size) * config.qkv_bias + hidden * config.o_bias
    if experts is None or not experts.layers[index]:
        yield (2 * config.intermediate_size + hidden) * config.mlp_bias
    else:
        yield hidden * (experts.num_experts + (1 if experts.shared_width else 0))


def _ends(config: ModelConfig, part: Part, served: Served) -> int:
    table = served.matrix(len(part.vocab(config.vocab_size)), config.hidden_size)
    num_tables = (part.is_first or (part.is_last and config.tie_embeddings)) + (
        part.is_last and not config.tie_embeddings
    )
    return num_tables * table + part.is_last * config.hidden_size * served.item_bytes
