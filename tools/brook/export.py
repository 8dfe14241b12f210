"""Writes the files that Penstock ships: weights, configs and tokenizer. Knows no training."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor

from .chat import TEMPLATE
from .model import Shape
from .tokens import SPECIAL

END_OF_TEXT, _, END_OF_TURN = range(len(SPECIAL))


def config(shape: Shape) -> dict[str, Any]:
    """config.json as Hugging Face's Llama reads it."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        **asdict(shape),
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "attention_dropout": 0.0,
        "tie_word_embeddings": True,
        "bos_token_id": None,
        "eos_token_id": END_OF_TURN,
        "pad_token_id": END_OF_TEXT,
        "initializer_range": 0.02,
        "use_cache": True,
        "torch_dtype": "bfloat16",
    }


def generation_config() -> dict[str, Any]:
    """Defaults for sampling; a bare text ends with the end of text instead of a turn."""
    return {
        "do_sample": True,
        "temperature": 0.7,
        "top_p": 0.9,
        "eos_token_id": [END_OF_TURN, END_OF_TEXT],
        "pad_token_id": END_OF_TEXT,
    }


def tokenizer_config(shape: Shape) -> dict[str, Any]:
    """tokenizer_config.json, with the chat template inside."""
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": None,
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "model_max_length": shape.max_position_embeddings,
        "clean_up_tokenization_spaces": False,
        "chat_template": TEMPLATE,
    }


def write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def export(weights: dict[str, Tensor], tokenizer: Tokenizer, shape: Shape, folder: Path) -> None:
    """Write everything but the model card."""
    folder.mkdir(parents=True, exist_ok=True)
    narrow = {k: v.detach().cpu().to(torch.bfloat16).contiguous() for k, v in weights.items()}
    save_file(narrow, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)
    tokenizer.save(str(folder / "tokenizer.json"))
    write_json(folder / "config.json", config(shape))
    write_json(folder / "generation_config.json", generation_config())
    write_json(folder / "tokenizer_config.json", tokenizer_config(shape))
