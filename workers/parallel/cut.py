"""Cuts a checkpoint's tensors to a rank's part. Knows the decoder's parameters by name, no files and no family.

A parameter may be made of several regions, of each of which the rank holds a share; the regions' shares lie one
after another in the rank's own parameter, as the regions do in the whole one:

    attention.qkv of rank 1 of 2    [ q | Q | k | K | v | V ]   ->   [ Q | K | V ]
"""

from collections.abc import Callable, Iterator

import torch

from penstock.workers.model_config import ModelConfig
from penstock.workers.parallel.part import Part

Regions = Callable[[Part, ModelConfig], list[range]]


def _qkv(part: Part, config: ModelConfig) -> list[range]:
    heads, kv_heads, dim = part.heads(config), part.kv_heads(config), config.head_dim
    first_k, first_v = config.num_heads, config.num_heads + config.num_kv_heads
    return [
        range((first + some.start) * dim, (first + some.stop) * dim)
        for first, some in ((0, heads), (first_k, kv_heads), (first_v, kv_heads))
    ]


def _gate_up(part: Part, config: ModelConfig) -> list[range]:
    return _pairs(part, config.intermediate_size)


def _pairs(part: Part, width: int, count: int = 1) -> list[range]:
    """So many gates and ups, in turns."""
    own = part.width(width)
    return [range(i * width + own.start, i * width + own.stop) for i in range(2 * count)]


def _expert_gate_up(part: Part, config: ModelConfig) -> list[range]:
    experts = config.experts
    return _pairs(part, experts.width, experts.num_experts) if experts else []


def _expert_width(part: Part, config: ModelConfig) -> list[range]:
    return [part.width(config.experts.width)] if config.experts else []


def _shared_gate_up(part: Part, config: ModelConfig) -> list[range]:
    return _pairs(part, config.experts.shared_width) if config.experts else []


def _shared_width(part: Part, config: ModelConfig) -> list[range]:
    return [part.width(config.experts.shared_width)] if config.experts else []


def _vocab(part: Part, config: ModelConfig) -> list[range]:
    return [part.vocab(config.vocab_size)]


def _q(part: Part, config: ModelConfig) -> list[range]:
    heads = part.heads(config)
    return [range(heads.start * config.head_dim, heads.stop * config.head_dim)]


def _width(part: Part, config: ModelConfig) -> list[range]:
    return [part.width(config.intermediate_size)]


ROWS: dict[str, Regions] = {
    "attention.qkv.weight": _qkv,
    "attention.qkv.bias": _qkv,
    "mlp.gate_up.weight": _gate_up,
    "mlp.gate_up.bias": _gate_up,
    "mlp.experts.gate_up.weight": _expert_gate_up,
    "mlp.shared.gate_up.weight": _shared_gate_up,
    "embed.weight": _vocab,
    "head.weight": _vocab,
}
COLUMNS: dict[str, Regions] = {
    "attention.o.weight": _q,
    "mlp.down.weight": _width,
    "mlp.experts.down.weight": _expert_width,
    "mlp.shared.down.weight": _shared_width,
}
"""What is in neither, every rank of a stage holds whole."""


class Cut:
    """For one rank of one model; `config` is the whole one."""

    def __init__(self, part: Part, config: ModelConfig) -> None:
        self._layers = part.layers(config.num_layers)
        self._rows = {name: find(part, config) for name, find in ROWS.items()}
        self._columns = {name: find(part, config) for name, find in COLUMNS.items()}
        self._has = {
            "embed": part.is_first or (part.is_last and config.tie_embeddings),
            "norm": part.is_last,
            "head": part.is_last,
        }

    def name(self, parameter: str) -> str | None:
        """The rank's own name of it; None for what belongs to other stages."""
        kind, _, rest = parameter.partition(".")
        if kind != "layers":
            return parameter if self._has[kind] else None
        index, _, rest = rest.partition(".")
        if int(index) not in self._layers:
            return None
        return f"layers.{int(index) - self._layers.start}.{rest}"

    def pieces(
        self, parameter: str, start: int, tensor: torch.Tensor
    ) -> Iterator[tuple[int, torch.Tensor]]:
        """Of a tensor that is rows [start, ...) of the parameter: the rank's, and where they begin in the whole."""
        kind = _kind(parameter)
        for columns in self._columns.get(kind, ()):
            tensor = tensor[:, columns.start : columns.stop]
        for rows in self._rows.get(kind, [range(start, start + len(tensor))]):
            first, end = max(start, rows.start), min(start + len(tensor), rows.stop)
            if first < end:
                yield first, tensor[first - start : end - start]


def _kind(parameter: str) -> str:
    """Without the layer's number."""
    return parameter.split(".", 2)[2] if parameter.startswith("layers.") else parameter
