"""What sets one family apart: its defaults, its switches and its weights' names. Knows no tensors.

A family's file says where each tensor of a checkpoint goes in the one decoder:

    q_proj.weight [q_size, hidden]  -.
    k_proj.weight [kv_size, hidden] --> layers.3.attention.qkv.weight [q_size + 2 * kv_size, hidden]
    v_proj.weight [kv_size, hidden] -'
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from penstock.workers.model_config import ExpertsConfig, ModelConfig
from penstock.workers.models.config_json import ConfigJson
from penstock.workers.models.kv_scale_names import scale_names
from penstock.workers.models.place import Place

Windows = tuple[int | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    windows: Windows
    qkv_bias: bool = False
    o_bias: bool = False
    mlp_bias: bool = False
    qk_norm: bool = False
    experts: ExpertsConfig | None = None


LayerPlaces = Callable[[ModelConfig], dict[str, Place]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    architecture: str
    switches: Callable[[ConfigJson], Switches]
    layer_places: LayerPlaces
    """From names within a checkpoint's layer to places within a layer of the decoder."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """Values transformers assumes where config.json is silent."""


def split_places(config: ModelConfig) -> dict[str, Place]:
    """Most families keep q, k, v and gate, up apart."""
    q_size, kv_size, width = config.q_size, config.kv_size, config.intermediate_size
    return {
        **linear_places("self_attn.q_proj", "attention.qkv", 0, q_size),
        **linear_places("self_attn.k_proj", "attention.qkv", q_size, kv_size),
        **linear_places("self_attn.v_proj", "attention.qkv", q_size + kv_size, kv_size),
        **linear_places("mlp.gate_proj", "mlp.gate_up", 0, width),
        **linear_places("mlp.up_proj", "mlp.gate_up", width, width),
        **common_places(config),
    }


def common_places(config: ModelConfig) -> dict[str, Place]:
    """What no family fuses."""
    hidden, head_dim = config.hidden_size, config.head_dim
    return {
        **linear_places("self_attn.o_proj", "attention.o", 0, hidden),
        **linear_places("mlp.down_proj", "mlp.down", 0, hidden),
        "self_attn.q_norm.weight": Place("attention.q_norm.weight", 0, head_dim),
        "self_attn.k_norm.weight": Place("attention.k_norm.weight", 0, head_dim),
        "input_layernorm.weight": Place("input_norm.weight", 0, hidden),
        "post_attention_layernorm.weight": Place("mlp_norm.weight", 0, hidden),
    }


def linear_places(name: str, parameter: str, start: int, length: int) -> dict[str, Place]:
    return {
        f"{name}.{part}": Place(f"{parameter}.{part}", start, length) for part in ("weight", "bias")
    }


def spare_names(config: ModelConfig) -> frozenset[str]:
    """Tensors that may lie in a checkpoint without being needed: a tied head is the embedding again.

    Scales of keys and values are read by who wants them.
    """
    heads = {"lm_head.weight"} if config.tie_embeddings else set()
    return scale_names(config.num_layers) | heads


def places(family: Family, config: ModelConfig) -> dict[str, Place]:
    """Every tensor a checkpoint of the family may hold; the decoder's switches say which it must."""
    hidden, vocab = config.hidden_size, config.vocab_size
    found = {
        "model.embed_tokens.weight": Place("embed.weight", 0, vocab),
        "model.norm.weight": Place("norm.weight", 0, hidden),
        "lm_head.weight": Place("head.weight", 0, vocab),
    }
    for index in range(config.num_layers):
        for name, place in family.layer_places(config).items():
            parameter = f"layers.{index}.{place.parameter}"
            found[f"model.layers.{index}.{name}"] = Place(parameter, place.start, place.length)
    return found
