"""One setting: its flag, its help, and how its text becomes a value. Knows no command line and no file."""

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import inspect

from penstock.protocol.errors import SettingsError
from penstock.protocol.flags.sizes import human_int

_DEFAULT_WORDS = {
    "[]": "none",
    "['*']": "*",
    "{}": "none",
    "True": "on",
    "False": "off",
}
_EMPTY: tuple[object, ...] = ({}, [], "{}", "[]")
"""Whatever the setting, this asks for nothing."""
_SERVICE_LINK = re.compile(r"(tcp|udp|sctp)://.*")


class Field:
    """One setting; `extra` is what its declaration says besides the type (see the settings package)."""

    def __init__(self, field: inspect.Field) -> None:
        kind = field.type
        self.help = ""
        self.extra: dict[str, Any] = {}
        while isinstance(kind, inspect.Metadata):
            schema = kind.extra_json_schema or {}
            self.help = schema.get("description", self.help)
            self.extra = {**(kind.extra or {}), **self.extra}
            kind = kind.type
        self.name = field.name
        self.kind = kind
        self.default = field.default_factory() if callable(field.default_factory) else field.default

    @property
    def is_variable(self) -> bool:
        """Whether the environment is the only place where it is set."""
        return bool(self.extra.get("variable"))

    @property
    def flag(self) -> str:
        """What errors and notices call it: the flag, or the variable that stands for one."""
        return self.extra["env"][0] if self.is_variable else "--" + self.name.replace("_", "-")

    @property
    def spellings(self) -> list[str]:
        return [] if self.is_variable else [*self.extra.get("flags", []), self.flag]

    @property
    def opposites(self) -> list[str]:
        """Flags that turn it off."""
        return list(self.extra.get("opposites", []))

    @property
    def variables(self) -> list[str]:
        extra = self.extra
        return [*extra.get("env", []), *extra.get("env_whole", []), *extra.get("env_units", {})]

    @property
    def choices(self) -> list[str]:
        """What may be given, where that is one of a few words or numbers."""
        literals = [t for t in members(self.kind) if isinstance(t, inspect.LiteralType)]
        return [str(value) for literal in literals for value in literal.values]

    @property
    def is_optional(self) -> bool:
        return any(isinstance(t, inspect.NoneType) for t in members(self.kind))

    @property
    def default_word(self) -> str:
        if self.default is None:
            return "auto" if self.extra.get("automatic") else "not set"
        return _DEFAULT_WORDS.get(str(self.default), str(self.default))

    def why(self, effect: str, value: Any) -> str:
        """The reason under `inert` or `refused` for this value; nothing when there is none."""
        reasons = self.extra.get(effect, "")
        if isinstance(reasons, Mapping):
            return str(reasons.get(str(value).lower(), ""))
        asks = value != self.default and value not in _EMPTY
        return str(reasons) if asks else ""

    def parse(self, value: Any) -> Any:
        """Text as a person wrote it to what msgspec can convert. Raises SettingsError."""
        if self.extra.get("listed"):
            words = value if isinstance(value, list) else [value]
            return [item for word in words for item in self._listed(word)]
        if not isinstance(value, str):
            return value
        if not value and self.is_optional:
            return None
        try:
            if self.extra.get("human"):
                return human_int(value)
            if isinstance(self.kind, inspect.DictType):
                return msgspec.json.decode(value)
        except (ValueError, msgspec.DecodeError) as error:
            raise SettingsError(f"{self.flag}: {error}") from error
        if isinstance(self.kind, inspect.ListType):
            return _listed(value)
        return value.lower() if self.extra.get("lower") else value

    def _listed(self, word: Any) -> list[Any]:
        if not isinstance(word, str):
            return [word]
        if not word.startswith("["):
            return [item for item in map(str.strip, word.split(",")) if item]
        try:
            return msgspec.json.decode(word, type=list[str])
        except msgspec.DecodeError as error:
            raise SettingsError(f"{self.flag}: {error}") from error

    def from_environment(self, environ: Mapping[str, str]) -> str | list[str] | None:
        variable = self.set_variable(environ)
        if variable is None:
            return None
        if variable in self.extra.get("env_whole", []):
            return [environ[variable]]
        unit: str = self.extra.get("env_units", {}).get(variable, "")
        return environ[variable] + unit

    def set_variable(self, environ: Mapping[str, str]) -> str | None:
        """The first of its variables that is set, and not to nothing.

        Kubernetes sets NAME_PORT to tcp://address:port for every service NAME: that is nobody's wish.
        """
        told = (v for v in self.variables if environ.get(v))
        return next((v for v in told if not _SERVICE_LINK.fullmatch(environ[v])), None)


def _listed(text: str) -> list[str]:
    """Commas between, or a JSON list of strings, for values that hold commas themselves."""
    try:
        return msgspec.convert(json.loads(text), list[str])
    except (ValueError, RecursionError, msgspec.ValidationError):
        return text.split(",")


def members(kind: inspect.Type) -> list[inspect.Type]:
    """What a union is made of; anything else is its own only member."""
    if isinstance(kind, inspect.Metadata):
        return members(kind.type)
    if isinstance(kind, inspect.UnionType):
        return [m for t in kind.types for m in members(t)]
    return [kind]


def fields_of(struct: type[msgspec.Struct]) -> list[Field]:
    """All settings of `struct`, in the order of their declaration."""
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    return [Field(f) for f in info.fields]
