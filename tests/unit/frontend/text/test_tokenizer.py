"""What transformers makes of a folder, we make of it too."""

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from penstock.frontend.text.errors import TextError
from penstock.frontend.text.tokenizer import Tokenizer
from penstock.protocol.errors import ModelError

TEXTS = (
    "Hello, world! don't , stop .",
    "  two spaces  <|im_end|>\n<tool call> <extra> <pad>x",
    "日本語 👩‍👩‍👧‍👦 e\u0301",
    "",
)


def _special(content: str, **flags: bool) -> dict[str, Any]:
    return {
        "content": content,
        "lstrip": False,
        "normalized": False,
        "rstrip": False,
        "single_word": False,
        "special": True,
        **flags,
    }


CONFIGS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "names": {"bos_token": "<|bos|>", "eos_token": "<|im_end|>", "model_max_length": 2048},
    "missing": {"bos_token": "<|bos|>", "pad_token": "<pad>", "image_token": "<extra>"},
    "added": {
        "added_tokens_decoder": {
            "1": _special("<|im_end|>", rstrip=True),
            "601": _special("<extra>", lstrip=True),
        },
        "eos_token": "<|im_end|>",
        "additional_special_tokens": ["<extra>"],
        "model_max_length": 1e30,
    },
    "more": {"extra_special_tokens": ["<extra>", "<pad>"]},
    "own names": {"extra_special_tokens": {"image_token": "<extra>"}},
    "split": {"split_special_tokens": True, "eos_token": "<|im_end|>"},
    "clean": {"clean_up_tokenization_spaces": True},
    "clean by force": {
        "clean_up_tokenization_spaces": True,
        "clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output": True,
    },
    "adds bos": {"bos_token": "<|bos|>", "add_bos_token": True},
}


def _folder(path: Path, byte_level: Tokenizer, config: dict[str, Any]) -> Path:
    byte_level._backend.save(str(path / "tokenizer.json"))
    if config:
        (path / "tokenizer_config.json").write_text(json.dumps(config))
    return path


def _agree(folder: Path) -> None:
    transformers = pytest.importorskip("transformers")
    theirs = transformers.PreTrainedTokenizerFast.from_pretrained(str(folder))
    ours = Tokenizer.load(folder)
    for text in TEXTS:
        for special in (True, False):
            ids = ours.encode(text, special)
            assert ids == theirs.encode(text, add_special_tokens=special)
            assert ours.decode(ids, special) == theirs.decode(ids, skip_special_tokens=special)
    assert ours.special_tokens == theirs.special_tokens_map
    assert ours.vocab_size == len(theirs)
    assert (ours.bos_token, ours.eos_token) == (theirs.bos_token, theirs.eos_token)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
def test_a_folder_loads_as_in_transformers(
    tmp_path: Path, byte_level: Tokenizer, config: dict[str, Any]
) -> None:
    _agree(_folder(tmp_path, byte_level, config))


def test_older_companion_files_load_as_in_transformers(
    tmp_path: Path, byte_level: Tokenizer
) -> None:
    folder = _folder(tmp_path, byte_level, {"eos_token": "<|bos|>"})
    (folder / "special_tokens_map.json").write_text(
        json.dumps({"eos_token": _special("<|im_end|>"), "pad_token": "<pad>"})
    )
    (folder / "added_tokens.json").write_text(json.dumps({"<extra>": 601, "<pad>": 602}))
    _agree(folder)


def test_the_post_processor_decides_about_bos(tmp_path: Path, byte_level: Tokenizer) -> None:
    folder = _folder(tmp_path, byte_level, {"bos_token": "<|bos|>"})
    saved = json.loads((folder / "tokenizer.json").read_text())
    bos = {"SpecialToken": {"id": "<|bos|>", "type_id": 0}}
    text = {"Sequence": {"id": "A", "type_id": 0}}
    saved["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [bos, text],
        "pair": [bos, text, {"Sequence": {"id": "B", "type_id": 0}}],
        "special_tokens": {"<|bos|>": {"id": "<|bos|>", "ids": [0], "tokens": ["<|bos|>"]}},
    }
    (folder / "tokenizer.json").write_text(json.dumps(saved))
    _agree(folder)
    assert Tokenizer.load(folder).adds_bos
    assert not byte_level.adds_bos


def test_truncation_in_the_file_is_not_applied(tmp_path: Path, byte_level: Tokenizer) -> None:
    folder = _folder(tmp_path, byte_level, {})
    saved = json.loads((folder / "tokenizer.json").read_text())
    saved["truncation"] = {
        "direction": "Right",
        "max_length": 2,
        "strategy": "LongestFirst",
        "stride": 0,
    }
    (folder / "tokenizer.json").write_text(json.dumps(saved))
    assert len(Tokenizer.load(folder).encode("one two three four five")) > 2


def test_a_limit_of_no_limit_is_none(tmp_path: Path, byte_level: Tokenizer) -> None:
    loaded = Tokenizer.load(_folder(tmp_path, byte_level, CONFIGS["added"]))
    assert loaded.max_length is None
    (tmp_path / "tokenizer_config.json").write_text('{"model_max_length": 77}')
    assert Tokenizer.load(tmp_path).max_length == 77


def test_a_folder_without_tokenizer_json_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="save_pretrained"):
        Tokenizer.load(tmp_path)


@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer_config.json"])
def test_a_broken_file_is_named(tmp_path: Path, byte_level: Tokenizer, name: str) -> None:
    (_folder(tmp_path, byte_level, {}) / name).write_text("[1, 2")
    with pytest.raises(ModelError, match=name):
        Tokenizer.load(tmp_path)


def test_a_lone_surrogate_is_the_clients_error(byte_level: Tokenizer) -> None:
    with pytest.raises(TextError, match="surrogate"):
        byte_level.encode("\ud800")


def test_other_threads_run_while_a_long_text_is_encoded(byte_level: Tokenizer) -> None:
    """The event loop is one of them. With the GIL held, it would get one turn or two."""
    encoding = threading.Thread(target=byte_level.encode, args=("word, " * 200_000,))
    encoding.start()
    turns = 0
    while encoding.is_alive():
        time.sleep(0.001)
        turns += 1
    assert turns > 5


def test_the_bytes_of_tokens_add_up_to_the_text(
    tokenizer: Tokenizer, samples: tuple[str, ...]
) -> None:
    for text in samples:
        ids = tokenizer.encode(text, add_special_tokens=False)
        data = b"".join(map(tokenizer.token_bytes, ids))
        assert data.decode().lstrip(" ") == tokenizer.decode(ids, False).lstrip(" ")


def test_the_text_of_a_torn_token_is_a_replacement(byte_level: Tokenizer) -> None:
    first = byte_level.encode("\U0001f9ff", add_special_tokens=False)[0]
    assert byte_level.token_text(first) == "\ufffd"
    assert (
        byte_level.token_bytes(first) == "\U0001f9ff".encode()[: len(byte_level.token_bytes(first))]
    )


def test_ids_beyond_the_vocabulary_are_empty(byte_level: Tokenizer) -> None:
    assert byte_level.token_bytes(10**6) == b""
    assert byte_level.token_name(10**6) is None
