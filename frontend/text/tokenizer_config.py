"""Reads the files beside a tokenizer.json: special tokens, limits, flags. Does not know how to tokenize."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from tokenizers import AddedToken

from penstock.protocol.errors import ModelError

NAMED_TOKENS = (
    "bos_token",
    "eos_token",
    "unk_token",
    "sep_token",
    "pad_token",
    "cls_token",
    "mask_token",
)
_UNBOUNDED = 10**9  # transformers writes "no limit" as 1e30


class TokenizerConfig(msgspec.Struct, frozen=True):
    """What `tokenizer_config.json` and its older companions say, as transformers 5 reads them."""

    named: dict[str, AddedToken] = {}
    """bos_token, eos_token and so on, and the model's own names (image_token, ...)."""
    with_ids: tuple[AddedToken, ...] = ()
    """Added tokens in the order of their ids, flags included."""
    extra: tuple[AddedToken, ...] = ()
    """Further special tokens, without a name."""
    max_length: int | None = None
    clean_up: bool = False
    """Remove the spaces before punctuation that WordPiece leaves."""
    clean_up_bpe: bool = False
    split_special_tokens: bool = False
    chat_template: Any = None
    """A string, a list of {name, template}, or nothing."""

    @classmethod
    def load(cls, folder: Path) -> "TokenizerConfig":
        config = read_json_object(folder / "tokenizer_config.json")
        if "added_tokens_decoder" not in config:
            config |= read_json_object(folder / "special_tokens_map.json")
        return cls(
            named=dict(_named_tokens(config)),
            with_ids=(*_tokens_by_id(config), *_tokens_of_old_file(folder, config)),
            extra=tuple(_extra_tokens(config)),
            max_length=_max_length(config),
            clean_up=bool(config.get("clean_up_tokenization_spaces")),
            clean_up_bpe=bool(
                config.get(
                    "clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output"
                )
            ),
            split_special_tokens=bool(config.get("split_special_tokens")),
            chat_template=config.get("chat_template"),
        )


def read_json_object(path: Path) -> dict[str, Any]:
    """The object in `path`; empty when there is no such file. Raises ModelError when it is not one."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError) as error:
        raise ModelError(f"{path} cannot be read: {error}") from error


def _token(value: Any) -> AddedToken | None:
    """A token as the files spell it: plain, or an object with its flags."""
    if isinstance(value, str):
        return AddedToken(value, special=True)
    if not isinstance(value, dict) or "content" not in value:
        return None
    flags = {k: v for k, v in value.items() if k not in ("__type", "id")}
    return AddedToken(**{"special": True, **flags})


def _named_tokens(config: dict[str, Any]) -> Iterator[tuple[str, AddedToken]]:
    extra = config.get("extra_special_tokens")
    own_names = extra if isinstance(extra, dict) else {}
    flags = {str(token.content): token for token in _tokens_by_id(config)}
    for name, value in (config | own_names).items():
        named = name in NAMED_TOKENS or name in own_names or name.endswith("_token")
        if named and (token := _token(value)):
            yield name, flags.get(token.content, token)


def _tokens_by_id(config: dict[str, Any]) -> Iterator[AddedToken]:
    by_id = config.get("added_tokens_decoder") or {}
    for _, value in sorted(by_id.items(), key=lambda item: int(item[0])):
        if token := _token({"special": False, **value}):
            yield token


def _tokens_of_old_file(folder: Path, config: dict[str, Any]) -> Iterator[AddedToken]:
    """added_tokens.json, from before the flags of each token were written down."""
    if "added_tokens_decoder" in config:
        return
    special = {token.content for _, token in _named_tokens(config)}
    special.update(token.content for token in _extra_tokens(config))
    by_content = read_json_object(folder / "added_tokens.json")
    for content in sorted(by_content, key=by_content.__getitem__):
        is_special = content in special
        yield AddedToken(content, normalized=not is_special, special=is_special)


def _extra_tokens(config: dict[str, Any]) -> Iterator[AddedToken]:
    extra = config.get("extra_special_tokens") or config.get("additional_special_tokens") or []
    if isinstance(extra, list):
        yield from filter(None, map(_token, extra))


def _max_length(config: dict[str, Any]) -> int | None:
    limit = config.get("model_max_length", config.get("max_len"))
    return int(limit) if isinstance(limit, int | float) and limit < _UNBOUNDED else None
