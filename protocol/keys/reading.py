"""Reads a file of API keys, TOML or JSON. Knows how it is written, not what it means."""

import tomllib
from pathlib import Path
from typing import Any

import msgspec

from penstock.protocol.errors import SettingsError
from penstock.protocol.keys.holders import KeyFile

FLAG = "--api-key-file"


def read_key_file(path: str) -> KeyFile:
    """Raises SettingsError, which names a holder at most, never a key."""
    try:
        return msgspec.convert(_load(path), KeyFile)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{FLAG} {path}: {error}") from None


def _load(path: str) -> Any:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise SettingsError(f"{FLAG} {path}: {reason}") from None
    try:
        return msgspec.json.decode(text) if path.endswith(".json") else tomllib.loads(text)
    except (ValueError, RecursionError, msgspec.DecodeError) as error:
        raise SettingsError(f"{FLAG} {path}: {error}") from None
