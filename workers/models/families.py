"""Finds a checkpoint's family and reads its config.json into ModelConfig. Knows no weights."""

from pathlib import Path

from penstock.workers.model_config import ModelConfig
from penstock.workers.models.config_json import ConfigJson
from penstock.workers.models.family import Family
from penstock.workers.models.llama import LLAMA
from penstock.workers.models.mistral import MISTRAL
from penstock.workers.models.mixtral import MIXTRAL
from penstock.workers.models.phi3 import PHI3
from penstock.workers.models.qwen2 import QWEN2
from penstock.workers.models.qwen2_moe import QWEN2_MOE
from penstock.workers.models.qwen3 import QWEN3
from penstock.workers.models.qwen3_moe import QWEN3_MOE
from penstock.workers.models.rope_config import read_rope, stretched_max_position

_ALL = (LLAMA, MISTRAL, QWEN2, QWEN3, PHI3, MIXTRAL, QWEN2_MOE, QWEN3_MOE)
FAMILIES = {family.architecture: family for family in _ALL}


def read_model_config(model_dir: Path) -> ModelConfig:
    config = ConfigJson.read(model_dir)
    family = _family(config)
    config = config.over(family.defaults)
    _refuse_what_changes_the_maths(config)
    return _model_config(config, family)


def _family(config: ConfigJson) -> Family:
    supported = ", ".join(FAMILIES)
    architectures = config.texts("architectures") if config.has("architectures") else ()
    if len(architectures) != 1 or architectures[0] not in FAMILIES:
        raise config.refusal("architectures", f"one of {supported}")
    return FAMILIES[architectures[0]]


def _refuse_what_changes_the_maths(config: ConfigJson) -> None:
    if config.text("hidden_act", "silu") not in ("silu", "swish"):
        raise config.refusal("hidden_act", "silu")
    if config.has("quantization_config"):
        raise config.refusal("quantization_config", "weights in bfloat16, float16 or float32")


def _model_config(config: ConfigJson, family: Family) -> ModelConfig:
    num_heads, num_kv_heads = _heads(config)
    head_dim = _head_dim(config, num_heads)
    rope = read_rope(config, head_dim)
    switches = family.switches(config)
    return ModelConfig(
        architecture=family.architecture,
        vocab_size=config.integer("vocab_size"),
        hidden_size=config.integer("hidden_size"),
        intermediate_size=config.integer("intermediate_size"),
        num_layers=config.integer("num_hidden_layers"),
        num_heads=num_heads,
        num_kv_heads=num_kv_heads,
        head_dim=head_dim,
        rms_norm_eps=config.number("rms_norm_eps", 1e-6),
        max_position=stretched_max_position(rope, config.integer("max_position_embeddings")),
        rope=rope,
        dtype=config.dtype(),
        tie_embeddings=config.flag("tie_word_embeddings", False),
        windows=switches.windows,
        qkv_bias=switches.qkv_bias,
        o_bias=switches.o_bias,
        mlp_bias=switches.mlp_bias,
        qk_norm=switches.qk_norm,
        experts=switches.experts,
    )


def _heads(config: ConfigJson) -> tuple[int, int]:
    num_heads = config.integer("num_attention_heads")
    num_kv_heads = config.integer("num_key_value_heads", num_heads)
    if num_heads % num_kv_heads:
        raise config.refusal("num_key_value_heads", f"a divisor of {num_heads} attention heads")
    return num_heads, num_kv_heads


def _head_dim(config: ConfigJson, num_heads: int) -> int:
    if config.has("head_dim"):
        return config.integer("head_dim")
    hidden_size = config.integer("hidden_size")
    if hidden_size % num_heads:
        raise config.refusal("hidden_size", f"a multiple of {num_heads} attention heads")
    return hidden_size // num_heads
