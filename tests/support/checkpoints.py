"""Small random checkpoints of each family, made and answered by transformers."""

import warnings
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import torch

SIZES = {
    "vocab_size": 97,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}

EXTRAS: dict[str, dict[str, Any]] = {
    "llama": {},
    "mistral": {"head_dim": 16, "sliding_window": None},
    "qwen2": {"tie_word_embeddings": True},
    "qwen3": {"head_dim": 16},
    "phi3": {},
    "mixtral": {"num_local_experts": 5, "num_experts_per_tok": 2},
    "qwen2_moe": {
        "num_experts": 6,
        "num_experts_per_tok": 3,
        "moe_intermediate_size": 24,
        "shared_expert_intermediate_size": 40,
        "mlp_only_layers": [1],
    },
    "qwen3_moe": {
        "num_experts": 4,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 32,
        "norm_topk_prob": True,
    },
}


SWITCHES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama biases": ("llama", {"attention_bias": True, "mlp_bias": True}),
    "llama head_dim": ("llama", {"head_dim": 10, "num_key_value_heads": 1}),
    "llama tied": ("llama", {"tie_word_embeddings": True}),
    "llama eps": ("llama", {"rms_norm_eps": 0.1}),
    "mistral window": ("mistral", {"sliding_window": 5}),
    "mistral window of one": ("mistral", {"sliding_window": 1}),
    "qwen2 untied": ("qwen2", {"tie_word_embeddings": False}),
    "qwen2 window": (
        "qwen2",
        {"use_sliding_window": True, "sliding_window": 6, "max_window_layers": 1},
    ),
    "qwen2 window unused": ("qwen2", {"use_sliding_window": False, "sliding_window": 6}),
    "qwen3 biases": ("qwen3", {"attention_bias": True}),
    "qwen3 layer types": (
        "qwen3",
        {
            "use_sliding_window": True,
            "sliding_window": 3,
            "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
        },
    ),
    "mixtral window": ("mixtral", {"sliding_window": 5}),
    "qwen2_moe normalized": ("qwen2_moe", {"norm_topk_prob": True, "decoder_sparse_step": 2}),
    "qwen3_moe biases": ("qwen3_moe", {"attention_bias": True, "norm_topk_prob": False}),
    "qwen3_moe window": ("qwen3_moe", {"use_sliding_window": True, "sliding_window": 6}),
    "phi3 window": ("phi3", {"sliding_window": 7}),
    "phi3 partial rotary": (
        "phi3",
        {"rope_parameters": {"rope_type": "default", "partial_rotary_factor": 0.5}},
    ),
}


@cache
def transformers() -> Any:
    """Imported late and once: it takes seconds, and some of its imports warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import transformers

        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
    return transformers


@contextmanager
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def make_checkpoint(
    model_dir: Path,
    family: str,
    dtype: torch.dtype = torch.float32,
    max_shard_size: str = "1GB",
    **extras: Any,
) -> Any:
    """Saves a random model of `family` (a transformers model type) and returns it."""
    settings = {**SIZES, **EXTRAS[family], **extras}
    with _quiet():
        torch.manual_seed(0)
        config = transformers().AutoConfig.for_model(family, **settings)
        model = transformers().AutoModelForCausalLM.from_config(config, dtype=dtype).eval()
        _spread(model)
        model.save_pretrained(model_dir, max_shard_size=max_shard_size)
    return model


def _spread(model: Any) -> None:
    """Fresh models have zero biases and unit norms, which would hide a mistake in either."""
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape) * (0.15 if parameter.dim() > 1 else 0.3)
            parameter.add_(noise.to(parameter.dtype))


@torch.no_grad()
def oracle_logits(model: Any, token_ids: list[int]) -> torch.Tensor:
    """Logits of every position, float32 [T, V]."""
    with _quiet():
        return model(torch.tensor([token_ids]), use_cache=False).logits[0].float()
