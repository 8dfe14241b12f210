"""Parts of a JSON setting: `--flag.key.key VALUE`, as vLLM takes them. Knows names and JSON, not what settings mean."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import inspect

from penstock.protocol.errors import SettingsError
from penstock.protocol.flags.command_line import Structs
from penstock.protocol.flags.field import Field, fields_of, members

Parts = dict[str, dict[str, Any]]
"""By setting, what is known of its JSON object."""
_PART = re.compile(r"(--?[\w-]+)\.([\w.-]+?)(\+?)(=.*)?", re.DOTALL)
_NUMBER = re.compile(r"-\.?\d.*")


def take_parts(argv: Sequence[str], structs: Structs) -> tuple[list[str], Parts]:
    """The words that are no parts, and the parts put together. Raises SettingsError."""
    flags = {word: f.name for f in json_fields(structs) for word in f.spellings}
    words, rest, parts = iter(argv), [], Parts()
    for word in words:
        found = _PART.fullmatch(word)
        if found is None or found[1] not in flags:
            rest.append(word)
            continue
        text = next(words, "--") if found[4] is None else found[4][1:]
        if found[4] is None and text.startswith("-") and not _NUMBER.fullmatch(text):
            raise SettingsError(f"{word}: expected a value")
        part = nested(found[2].split("."), _value(text, is_list=bool(found[3])))
        merge(parts.setdefault(flags[found[1]], {}), part)
    return rest, parts


def json_fields(structs: Structs) -> list[Field]:
    """Settings whose value may be a JSON object."""
    kinds = inspect.DictType | inspect.AnyType
    fields = (f for struct in structs for f in fields_of(struct))
    return [f for f in fields if any(isinstance(kind, kinds) for kind in members(f.kind))]


def with_parts(name: str, whole: Any, parts: Mapping[str, Any]) -> dict[str, Any]:
    """The object that was given whole, if any, with the parts over it. Raises SettingsError."""
    given = _value(whole) if isinstance(whole, str) else whole
    if given is not None and not isinstance(given, dict):
        raise SettingsError(f"{name}: expected a JSON object, of which {name}.KEY gives a part")
    merged: dict[str, Any] = {}
    merge(merged, given or {})
    merge(merged, parts)
    return merged


def nested(keys: Sequence[str], value: Any) -> dict[str, Any]:
    """{'a': {'b': value}} of the keys a and b."""
    for key in reversed(keys):
        value = {key: value}
    assert isinstance(value, dict), "there is a key"
    return value


def merge(into: dict[str, Any], part: Mapping[str, Any]) -> None:
    """Objects grow key by key and lists at their end; of other values the last counts."""
    for key, value in part.items():
        known = into.get(key)
        if isinstance(value, dict):
            into[key] = known if isinstance(known, dict) else {}
            merge(into[key], value)
        elif isinstance(value, list) and isinstance(known, list):
            into[key] = known + value
        else:
            into[key] = value


def _value(text: str, *, is_list: bool = False) -> Any:
    """JSON, or else the words as they are."""
    if is_list:
        return text.split(",")
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
