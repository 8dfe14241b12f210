"""The shipped files are whole, consistent and within the agreed sizes."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open
from tokenizers import Tokenizer

FILES = (
    "README.md",
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
)


@pytest.fixture(scope="module")
def config(shipped: Path) -> dict[str, Any]:
    return json.loads((shipped / "config.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def shapes(shipped: Path) -> dict[str, tuple[list[int], str]]:
    with safe_open(shipped / "model.safetensors", framework="pt") as weights:
        slices = {name: weights.get_slice(name) for name in weights.keys()}  # noqa: SIM118
        return {name: (s.get_shape(), s.get_dtype()) for name, s in slices.items()}


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_there(shipped: Path, name: str) -> None:
    assert (shipped / name).stat().st_size > 0


def test_the_weights_are_small_and_bf16(
    shipped: Path, shapes: dict[str, tuple[list[int], str]]
) -> None:
    assert 3e6 <= sum(math.prod(shape) for shape, _ in shapes.values()) <= 8e6
    assert {dtype for _, dtype in shapes.values()} == {"BF16"}
    assert (shipped / "model.safetensors").stat().st_size <= 16_000_000


def test_the_config_describes_the_weights(
    config: dict[str, Any], shapes: dict[str, tuple[list[int], str]]
) -> None:
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert config["max_position_embeddings"] == 2048
    hidden, layers = config["hidden_size"], config["num_hidden_layers"]
    assert shapes["model.embed_tokens.weight"][0] == [config["vocab_size"], hidden]
    assert sum("q_proj" in name for name in shapes) == layers
    width = config["num_key_value_heads"] * config["head_dim"]
    assert shapes["model.layers.0.self_attn.k_proj.weight"][0] == [width, hidden]
    assert config["tie_word_embeddings"] is True
    assert "lm_head.weight" not in shapes


def test_the_tokenizer_fits_the_config(shipped: Path, config: dict[str, Any]) -> None:
    tokenizer = Tokenizer.from_file(str(shipped / "tokenizer.json"))
    assert tokenizer.get_vocab_size() == config["vocab_size"]
    assert tokenizer.token_to_id("<|im_end|>") == config["eos_token_id"]
    generation = json.loads((shipped / "generation_config.json").read_text(encoding="utf-8"))
    assert config["eos_token_id"] in generation["eos_token_id"]


@pytest.mark.parametrize(
    "text", ["Hello, Mira! 12 + 34 = 46.", "你好，李明！", "naïve 龘 🙂\n\ttab"]
)
def test_any_text_survives_the_tokenizer(shipped: Path, text: str) -> None:
    tokenizer = Tokenizer.from_file(str(shipped / "tokenizer.json"))
    assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_tool_marks_stay_in_decoded_text_and_turn_marks_do_not(shipped: Path) -> None:
    tokenizer = Tokenizer.from_file(str(shipped / "tokenizer.json"))
    ids = tokenizer.encode("<tool_call>\n{}\n</tool_call><|im_end|>").ids
    assert tokenizer.decode(ids) == "<tool_call>\n{}\n</tool_call>"


def test_digits_are_one_token_each(shipped: Path) -> None:
    tokenizer = Tokenizer.from_file(str(shipped / "tokenizer.json"))
    assert len(tokenizer.encode("20481").ids) == 5


def test_the_card_holds_the_figures(shipped: Path) -> None:
    card = (shipped / "README.md").read_text(encoding="utf-8")
    assert "two-digit addition" in card
    assert "%" in card
