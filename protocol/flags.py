"""Flags, environment and files to settings, and back to flags. Knows structs of settings, not what they mean.

Precedence: flag, then --config file, then environment, then default. `null` in a file means the default.
"""

import argparse
import difflib
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import msgspec
from msgspec import inspect

from penstock.protocol.errors import SettingsError

S = TypeVar("S", bound=msgspec.Struct)

_UNITS = {"": 1, "k": 1000, "m": 10**6, "g": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_DEFAULT_WORDS = {"None": "auto", "[]": "none", "{}": "none", "True": "on", "False": "off"}
_HUMAN = re.compile(r"(\d+(?:\.\d+)?)\s*([kmg]?(?:ib)?)", re.IGNORECASE)


def human_int(text: str) -> int | None:
    """'8k' is 8000, '4GiB' is 4 * 2**30; 'auto', 'none' and '-1' are None. Raises ValueError."""
    if text.lower() in ("auto", "none", "null", "-1"):
        return None
    found = _HUMAN.fullmatch(text.strip())
    if not found:
        raise ValueError(f"expected a number such as 8192, 8k or 4GiB, got {text!r}")
    return int(float(found[1]) * _UNITS[found[2].lower()])


class Field:
    """One setting of one struct: its flag, its help, and how its text becomes a value."""

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
        self.flag = "--" + field.name.replace("_", "-")

    @property
    def spellings(self) -> list[str]:
        return [*self.extra.get("flags", []), self.flag]

    def add_to(self, parser: argparse._ArgumentGroup) -> None:
        shared: dict[str, Any] = {
            "dest": self.name,
            "default": argparse.SUPPRESS,
            "help": self._help(),
        }
        if isinstance(self.kind, inspect.BoolType):
            parser.add_argument(*self.spellings, action=argparse.BooleanOptionalAction, **shared)
        elif isinstance(self.kind, inspect.ListType):
            parser.add_argument(*self.spellings, nargs="+", action="extend", metavar="X", **shared)
        else:
            parser.add_argument(*self.spellings, metavar=self._metavar(), **shared)

    def _help(self) -> str:
        inert, variables = self.extra.get("inert"), ", ".join(self.extra.get("env", []))
        told = [
            self.help,
            f"No effect here: {inert}." if inert else "",
            f"Variable: {variables}." if variables else "",
            f"[{_DEFAULT_WORDS.get(str(self.default), self.default)}]",
        ]
        return " ".join(filter(None, told)).replace("%", "%%")

    @property
    def choices(self) -> list[str]:
        """What may be given, where that is one of a few words or numbers."""
        literals = [t for t in _members(self.kind) if isinstance(t, inspect.LiteralType)]
        return [str(value) for literal in literals for value in literal.values]

    def _metavar(self) -> str:
        if self.choices:
            return "{" + ",".join(self.choices) + "}"
        return (
            "N"
            if any(isinstance(t, inspect.IntType | inspect.FloatType) for t in _members(self.kind))
            else "X"
        )

    def parse(self, value: Any) -> Any:
        """Text as a person wrote it to what msgspec can convert. Raises SettingsError."""
        if not isinstance(value, str):
            return value
        try:
            if self.extra.get("human"):
                return human_int(value)
            if isinstance(self.kind, inspect.DictType):
                return msgspec.json.decode(value)
        except (ValueError, msgspec.DecodeError) as error:
            raise SettingsError(f"{self.flag}: {error}") from error
        if isinstance(self.kind, inspect.ListType):
            return value.split(",")
        return value.lower() if self.extra.get("lower") else value

    def from_environment(self, environ: Mapping[str, str]) -> str | None:
        variable = self.set_variable(environ)
        return environ[variable] if variable else None

    def set_variable(self, environ: Mapping[str, str]) -> str | None:
        """The first of its variables that is set, and not to nothing."""
        return next((v for v in self.extra.get("env", []) if environ.get(v)), None)


def _members(kind: inspect.Type) -> list[inspect.Type]:
    if isinstance(kind, inspect.Metadata):
        return _members(kind.type)
    if isinstance(kind, inspect.UnionType):
        return [m for t in kind.types for m in _members(t)]
    return [kind]


def fields_of(struct: type[msgspec.Struct]) -> list[Field]:
    """All settings of `struct`, in the order of their declaration."""
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    return [Field(f) for f in info.fields]


class Parser(argparse.ArgumentParser):
    """argparse that, on an unknown flag, names the nearest known one."""

    def error(self, message: str) -> NoReturn:
        known = {o for a in self._actions for o in a.option_strings}
        if message.startswith("unrecognized arguments: "):
            unknown = message.split()[2].split("=")[0]
            message = f"unknown setting {unknown}{_nearest(unknown, known)}"
        self.exit(2, f"{self.prog}: {message}\n(--help lists all settings)\n")


def build_parser(prog: str, description: str, structs: Sequence[type[msgspec.Struct]]) -> Parser:
    """One parser for several programs' settings; a name they share is one flag that feeds each."""
    parser = Parser(prog=prog, description=description, usage="%(prog)s [MODEL] [settings]")
    parser.add_argument("model_positional", nargs="?", metavar="MODEL", help="same as --model")
    parser.add_argument(
        "--config", metavar="FILE", help="a YAML or TOML file of these settings; flags win"
    )
    add_settings(parser, structs)
    return parser


def add_settings(parser: argparse.ArgumentParser, structs: Sequence[type[msgspec.Struct]]) -> None:
    """One group of flags for each struct."""
    seen: set[str] = set()
    for struct in structs:
        group = parser.add_argument_group(
            (struct.__doc__ or struct.__name__).split("\n")[0].rstrip(".")
        )
        for field in fields_of(struct):
            if field.name not in seen:
                field.add_to(group)
                seen.add(field.name)


def read_file(path: str, known: set[str]) -> dict[str, Any]:
    """Settings from a YAML or TOML file, dashes or underscores alike. Raises SettingsError."""
    try:
        text = Path(path).read_text(encoding="utf-8")
        data = tomllib.loads(text) if path.endswith(".toml") else _yaml(text)
    except (OSError, ValueError, msgspec.DecodeError) as error:
        raise SettingsError(f"--config {path}: {error}") from error
    if not isinstance(data, dict):
        raise SettingsError(f"--config {path}: expected settings by name")
    values = {str(k).replace("-", "_"): v for k, v in data.items() if v is not None}
    for name in values.keys() - known:
        raise SettingsError(f"--config {path}: unknown setting {name!r}{_nearest(name, known)}")
    return values


def _yaml(text: str) -> Any:
    import yaml  # only a --config file needs it

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _nearest(name: str, known: set[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def parse(
    prog: str,
    description: str,
    structs: Sequence[type[msgspec.Struct]],
    argv: Sequence[str],
    environ: Mapping[str, str] = os.environ,
) -> list[Any]:
    """One struct of each kind from the command line. Exits (0 for --help, 2 for errors) as programs do."""
    return parse_and_tell(prog, description, structs, argv, environ)[0]


def parse_and_tell(
    prog: str,
    description: str,
    structs: Sequence[type[msgspec.Struct]],
    argv: Sequence[str],
    environ: Mapping[str, str] = os.environ,
) -> tuple[list[Any], dict[str, str]]:
    """As `parse`, and where each value came from, by name; what nobody set is not there."""
    parser = build_parser(prog, description, structs)
    given = vars(parser.parse_args(_spelled_out(argv, structs)))
    known = _all_names(structs)
    try:
        settings = [convert(struct, given, environ, known) for struct in structs]
        return settings, _sources(structs, given, environ, known)
    except SettingsError as error:
        parser.exit(2, f"{prog}: {error}\n")


def _spelled_out(argv: Sequence[str], structs: Sequence[type[msgspec.Struct]]) -> list[str]:
    """A flag that may stand alone gets its word: argparse would take what follows, the model, for it."""
    bare = {f.flag: f for s in structs for f in fields_of(s) if "bare" in f.extra}
    return [
        f"{word}={bare[word].extra['bare']}"
        if word in bare and following not in bare[word].choices
        else word
        for word, following in zip_longest(argv, argv[1:], fillvalue="")
    ]


def _sources(
    structs: Sequence[type[msgspec.Struct]],
    given: Mapping[str, Any],
    environ: Mapping[str, str],
    known: set[str],
) -> dict[str, str]:
    file = read_file(given["config"], known) if given.get("config") else {}
    found = {}
    for field in (f for struct in structs for f in fields_of(struct)):
        variable = field.set_variable(environ)
        if field.name in given:
            found[field.name] = field.flag
        elif field.name in file:
            found[field.name] = f"--config {given['config']}"
        elif variable:
            found[field.name] = f"variable {variable}"
    return found | ({"model": "MODEL"} if given.get("model_positional") else {})


def _all_names(structs: Sequence[type[msgspec.Struct]]) -> set[str]:
    return {f.name for s in structs for f in fields_of(s)}


def convert(
    struct: type[S], given: Mapping[str, Any], environ: Mapping[str, str], known: set[str]
) -> S:
    """`given` flags over the file over the environment. Raises SettingsError."""
    file = read_file(given["config"], known) if given.get("config") else {}
    values: dict[str, Any] = {}
    for field in fields_of(struct):
        value = given.get(field.name, file.get(field.name, field.from_environment(environ)))
        if field.name == "model" and given.get("model_positional"):
            value = given["model_positional"]
        if value is not None:
            values[field.name] = field.parse(value)
    try:
        return msgspec.convert(values, struct, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(_explain(str(error), fields_of(struct))) from error


def _explain(message: str, fields: Sequence[Field]) -> str:
    """msgspec's finding under the flag's name, and the choices where there are some."""
    found = re.fullmatch(r"(.*) - at `\$\.(\w+).*`", message)
    if not found:
        return message
    (field,) = (f for f in fields if f.name == found[2])
    choices = f" (one of {', '.join(field.choices)})" if field.choices else ""
    return f"{field.flag}: {found[1]}{choices}"


def to_argv(settings: msgspec.Struct) -> list[str]:
    """Flags that parse back to `settings`, secrets aside: how one program starts another.

    What a variable could set is always there: a default that was asked for beats the variable too.
    """
    argv: list[str] = []
    for field in fields_of(type(settings)):
        value = getattr(settings, field.name)
        is_needed = value != field.default or "env" in field.extra
        if is_needed and not field.extra.get("secret"):
            argv += _flag_argv(field, value)
    return argv


def secret_environ(settings: msgspec.Struct) -> dict[str, str]:
    """Variables that carry what `to_argv` leaves out: a command line can be read by every user."""
    return {
        f.extra["env"][0]: ",".join(getattr(settings, f.name))
        for f in fields_of(type(settings))
        if f.extra.get("secret") and getattr(settings, f.name)
    }


def _flag_argv(field: Field, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [field.flag if value else "--no-" + field.flag[2:]]
    if value is None:
        return [f"{field.flag}=auto"]
    if isinstance(value, list):
        return [field.flag, *map(str, value)]
    if isinstance(value, dict):
        return [f"{field.flag}={msgspec.json.encode(value).decode()}"]
    return [f"{field.flag}={value}"]


def inert_notices(settings: msgspec.Struct) -> list[str]:
    """One line for each setting that was changed and has no effect here."""
    return [
        f"{f.flag} has no effect: {f.extra['inert']}"
        for f in fields_of(type(settings))
        if "inert" in f.extra and getattr(settings, f.name) != f.default
    ]
