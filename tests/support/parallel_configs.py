"""Configs to be split. Know no weights."""

from typing import Any

from penstock.workers.model_config import ModelConfig, RopeConfig


def config_of(**fields: Any) -> ModelConfig:
    """Of a small decoder, changed as asked."""
    num_layers = 4
    common: dict[str, Any] = {
        "architecture": "LlamaForCausalLM",
        "vocab_size": 100,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_layers": num_layers,
        "num_heads": 8,
        "num_kv_heads": 4,
        "head_dim": 4,
        "rms_norm_eps": 1e-5,
        "max_position": 64,
        "rope": RopeConfig(type="default", theta=1e4, rotary_dim=4, original_max_position=64),
        "windows": (None,) * num_layers,
        "dtype": "float32",
        "tie_embeddings": False,
    }
    return ModelConfig(**(common | fields))
