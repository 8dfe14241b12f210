"""Reads a file of settings: YAML, TOML or JSON. Knows names of settings, not their types."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from penstock.protocol.errors import SettingsError
from penstock.protocol.flags.command_line import Structs, nearest
from penstock.protocol.flags.dotted import json_fields, nested, with_parts
from penstock.protocol.flags.field import Field, fields_of


def read_file(path: str, structs: Structs) -> dict[str, Any]:
    """Values by name, dashes or underscores alike; null is as if absent. Raises SettingsError."""
    keys, json_names = _keys(structs), {f.name for f in json_fields(structs)}
    values: dict[str, Any] = {}
    for written, value in _load(path).items():
        stem, *path_in_it = str(written).lstrip("-").split(".")
        key = stem.replace("-", "_")
        if key not in keys or (path_in_it and keys[key][0] not in json_names):
            raise SettingsError(f"--config {path}: unknown setting {written!r}{nearest(key, keys)}")
        name, is_opposite = keys[key]
        if path_in_it:
            values[name] = with_parts(key, values.get(name), nested(path_in_it, value))
        elif value is not None:
            values[name] = not value if is_opposite else value
    return values


def _keys(structs: Structs) -> Mapping[str, tuple[str, bool]]:
    """Name of the setting for every way to write it, and whether that turns it off."""
    fields = [f for struct in structs for f in fields_of(struct) if not f.is_variable]
    known: dict[str, tuple[str, bool]] = {}
    for field in fields:
        known |= dict.fromkeys(_written(field.spellings), (field.name, False))
        known |= dict.fromkeys(_written(_negations(field)), (field.name, True))
    return known


def _negations(field: Field) -> list[str]:
    is_switch = isinstance(field.default, bool)
    return [*field.opposites, *([f"--no-{field.flag[2:]}"] if is_switch else [])]


def _written(flags: list[str]) -> list[str]:
    return [flag.lstrip("-").replace("-", "_") for flag in flags]


def _load(path: str) -> dict[str, Any]:
    try:
        text = Path(path).read_text(encoding="utf-8")
        data = tomllib.loads(text) if path.endswith(".toml") else _yaml(text)
    except (OSError, ValueError, msgspec.DecodeError) as error:
        raise SettingsError(f"--config {path}: {error}") from error
    if not isinstance(data, dict):
        raise SettingsError(f"--config {path}: expected settings by name")
    return data


def _yaml(text: str) -> Any:
    import yaml  # only a --config file needs it

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
