"""Settings back to a command line: how one program starts another. Knows no parser."""

import json
from typing import Any

import msgspec

from penstock.protocol.flags.field import Field, fields_of


def to_argv(settings: msgspec.Struct) -> list[str]:
    """Flags that parse back to `settings`, secrets aside.

    What a variable could set is always there: a default that was asked for beats the variable too.
    """
    argv: list[str] = []
    for field in fields_of(type(settings)):
        value = getattr(settings, field.name)
        is_needed = value != field.default or field.variables
        if is_needed and not field.extra.get("secret"):
            argv += _flag_argv(field, value)
    return argv


def secret_environ(settings: msgspec.Struct) -> dict[str, str]:
    """Variables that carry what `to_argv` leaves out: a command line can be read by every user."""
    secrets = {
        f.extra["env"][0]: getattr(settings, f.name)
        for f in fields_of(type(settings))
        if f.extra.get("secret") and getattr(settings, f.name)
    }
    return {k: v if isinstance(v, str) else _joined(v) for k, v in secrets.items()}


def _joined(values: list[str]) -> str:
    """As `Field.parse` reads it: commas between, or JSON where a value holds one or looks like JSON."""
    is_plain = not any("," in value or value.startswith("[") for value in values)
    return ",".join(values) if is_plain else json.dumps(values)


def _flag_argv(field: Field, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [field.flag if value else "--no-" + field.flag[2:]]
    if value is None or value == []:
        return [f"{field.flag}="]
    if isinstance(value, list):
        return [field.flag, *map(str, value)]
    if isinstance(value, dict):
        return [f"{field.flag}={msgspec.json.encode(value).decode()}"]
    return [f"{field.flag}={value}"]
