"""The text half of a model: a tokenizer of single bytes, a chat template, a config. No weights."""

import json
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

START, END = "<|im_start|>", "<|im_end|>"
TEMPLATE = (
    "{% if tools %}tools:{{ tools | length }}\n{% endif %}"
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def make_byte_model(folder: Path, **generation_config: object) -> Path:
    """A folder that a front end can serve; ids 0 to 255 are bytes in the alphabet's order."""
    tokenizer = _byte_tokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"eos_token": END, "chat_template": TEMPLATE, "model_max_length": 4096}
    _write(folder / "tokenizer_config.json", config)
    _write(folder / "config.json", {"eos_token_id": tokenizer.token_to_id(END)})
    _write(folder / "generation_config.json", generation_config)
    return folder


def _byte_tokenizer() -> Tokenizer:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(t, special=True) for t in (START, END)])
    return tokenizer


def _write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")
