"""A folder with the config.json of a decoder small enough for a unit test. Knows no weights."""

import json
from pathlib import Path
from typing import Any

VOCAB_SIZE = 97

VARIANTS: dict[str, dict[str, Any]] = {
    "llama": {},
    "head norms": {"architectures": ["Qwen3ForCausalLM"], "head_dim": 16},
    "biases": {"attention_bias": True, "mlp_bias": True, "tie_word_embeddings": True},
    "window": {"architectures": ["MistralForCausalLM"], "sliding_window": 5},
    "experts": {
        "architectures": ["MixtralForCausalLM"],
        "num_local_experts": 5,
        "num_experts_per_tok": 2,
    },
    "shared expert": {
        "architectures": ["Qwen2MoeForCausalLM"],
        "num_experts": 6,
        "num_experts_per_tok": 3,
        "moe_intermediate_size": 24,
        "shared_expert_intermediate_size": 40,
        "mlp_only_layers": [1],
    },
}
"""What families differ in."""


def write_tiny_model(folder: Path, **extras: Any) -> Path:
    """To be loaded with load_format "dummy"."""
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": VOCAB_SIZE,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "max_position_embeddings": 256,
        "tie_word_embeddings": False,
        "hidden_act": "silu",
        "dtype": "float32",
        **extras,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    return folder
