"""How large a model's weights are, from file headers or from its shape. Knows no tensor's content."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from penstock.protocol.errors import ModelError
from penstock.workers.model_config import ModelConfig
from penstock.workers.models.family import spare_names

_SINGLE, _INDEX = "model.safetensors", "model.safetensors.index.json"
_MOST_HEADER_BYTES = 100 << 20


def stored_parameters(model_dir: Path, config: ModelConfig) -> int:
    """Numbers in the checkpoint's tensors that are served. Raises ModelError."""
    shapes = [item for path in _files(model_dir) for item in _shapes(path)]
    spare = spare_names(config)
    return sum(math.prod(shape) for name, shape in shapes if _is_served(name, spare))


def shaped_parameters(config: ModelConfig) -> int:
    """Numbers in a model of this shape, as `--load-format dummy` makes them up."""
    hidden, width = config.hidden_size, config.intermediate_size
    qkv = config.q_size + 2 * config.kv_size
    attention = hidden * (qkv + config.q_size) + qkv * config.qkv_bias + hidden * config.o_bias
    mlp = 3 * hidden * width + (2 * width + hidden) * config.mlp_bias
    sparse, num_sparse = _expert_parameters(config)
    norms = 2 * hidden + 2 * config.head_dim * config.qk_norm
    embeddings = config.vocab_size * hidden * (1 if config.tie_embeddings else 2)
    mlps = num_sparse * sparse + (config.num_layers - num_sparse) * mlp
    return embeddings + hidden + config.num_layers * (attention + norms) + mlps


def _expert_parameters(config: ModelConfig) -> tuple[int, int]:
    """Numbers in a layer with experts, and how many layers have them."""
    experts, hidden = config.experts, config.hidden_size
    if experts is None:
        return 0, 0
    inner = experts.num_experts * experts.width + experts.shared_width
    gates = experts.num_experts + (1 if experts.shared_width else 0)
    return 3 * hidden * inner + hidden * gates, sum(experts.layers)


def _is_served(name: str, spare: frozenset[str]) -> bool:
    """Rope's frequencies come from config.json."""
    return name not in spare and not name.endswith("rotary_emb.inv_freq")


def _files(model_dir: Path) -> list[Path]:
    index = model_dir / _INDEX
    if not index.exists():
        return [model_dir / _SINGLE]
    try:
        names = json.loads(index.read_bytes())["weight_map"].values()
        return [model_dir / name for name in sorted(set(names))]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{index} is not an index of safetensors files: {error!r}") from error


def _shapes(path: Path) -> Iterator[tuple[str, list[int]]]:
    """The header of a safetensors file: eight bytes of length, then that much JSON."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > _MOST_HEADER_BYTES:
                raise ValueError(f"a header of {length} bytes")
            header: dict[str, Any] = json.loads(file.read(length))
        header.pop("__metadata__", None)
        yield from [(name, list(tensor["shape"])) for name, tensor in header.items()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} cannot be read as safetensors: {error}") from error
