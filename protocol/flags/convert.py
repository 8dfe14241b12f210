"""One struct of each kind from a command line, a file and the environment. Knows precedence, not what values mean."""

import os
import re
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any, TypeVar

import msgspec

from penstock.protocol.errors import NotServedError, SettingsError
from penstock.protocol.flags.command_line import Structs, build_parser
from penstock.protocol.flags.dotted import json_fields, take_parts, with_parts
from penstock.protocol.flags.field import Field, fields_of
from penstock.protocol.flags.files import read_file
from penstock.protocol.flags.told import check_served

S = TypeVar("S", bound=msgspec.Struct)
NO_FILE: Mapping[str, Any] = {}


def parse(
    prog: str,
    description: str,
    structs: Structs,
    argv: Sequence[str],
    environ: Mapping[str, str] = os.environ,
) -> list[Any]:
    """One struct of each kind from the command line. Exits (0 for --help, 2 for errors) as programs do."""
    return parse_and_tell(prog, description, structs, argv, environ)[0]


def parse_and_tell(
    prog: str,
    description: str,
    structs: Structs,
    argv: Sequence[str],
    environ: Mapping[str, str] = os.environ,
) -> tuple[list[Any], dict[str, str]]:
    """As `parse`, and where each value came from, by name; what nobody set is not there."""
    parser = build_parser(prog, description, structs)
    try:
        words, parts = take_parts(_spelled_out(argv, structs), structs)
        given = vars(parser.parse_args(words))
        given |= {
            f.name: with_parts(f.flag, given.get(f.name), parts[f.name])
            for f in json_fields(structs)
            if f.name in parts
        }
        file = read_file(given["config"], structs) if given.get("config") else NO_FILE
        settings = [convert(struct, given, environ, file) for struct in structs]
        return settings, _sources(structs, given, environ, file)
    except SettingsError as error:
        parser.exit(2, f"{prog}: {error}\n")


def _spelled_out(argv: Sequence[str], structs: Structs) -> list[str]:
    """Dashes for underscores, and its word for a flag that may stand alone: argparse would take the model for it."""
    bare = {f.flag: f for s in structs for f in fields_of(s) if "bare" in f.extra}
    dashed = [_dashed(word) for word in argv]
    return [
        f"{word}={bare[word].extra['bare']}"
        if word in bare and _stands_alone(bare[word], following)
        else word
        for word, following in zip_longest(dashed, dashed[1:], fillvalue="")
    ]


def _dashed(word: str) -> str:
    """But for the keys of a JSON setting, which are whose they are."""
    name = re.match(r"[^=.]*", word)
    assert name is not None, "nothing at all matches"
    return name[0].replace("_", "-") + word[name.end() :] if word.startswith("--") else word


def _stands_alone(field: Field, following: str) -> bool:
    if field.choices:
        return following not in field.choices
    return not following or following.startswith("-")


def _sources(
    structs: Structs,
    given: Mapping[str, Any],
    environ: Mapping[str, str],
    file: Mapping[str, Any],
) -> dict[str, str]:
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


def convert(
    struct: type[S],
    given: Mapping[str, Any],
    environ: Mapping[str, str],
    file: Mapping[str, Any] = NO_FILE,
) -> S:
    """`given` flags over the file over the environment. Raises SettingsError."""
    values: dict[str, Any] = {}
    for field in fields_of(struct):
        value = given.get(field.name, file.get(field.name, field.from_environment(environ)))
        if field.name == "model" and given.get("model_positional"):
            value = _the_one_model(field, given)
        if value is not None:
            values[field.name] = _parsed(field, value)
    try:
        settings = msgspec.convert(values, struct, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(_explain(str(error), fields_of(struct))) from error
    check_served(settings)
    return settings


def _the_one_model(field: Field, given: Mapping[str, Any]) -> str:
    positional: str = given["model_positional"]
    if given.get("model", positional) != positional:
        raise SettingsError(f"{positional} and --model {given['model']}: {field.extra['once']}")
    return positional


def _parsed(field: Field, value: Any) -> Any:
    """A word that Penstock does not know, but what it means, is refused with that."""
    is_word = isinstance(field.extra.get("refused"), Mapping)
    reason = field.why("refused", value) if is_word else ""
    if reason:
        raise NotServedError(f"{field.flag} {value}: {reason}")
    return field.parse(value)


def _explain(message: str, fields: Sequence[Field]) -> str:
    """msgspec's finding under the flag's name, and the choices where there are some."""
    found = re.fullmatch(r"(.*) - at `\$\.(\w+).*`", message)
    if not found:
        return message
    (field,) = (f for f in fields if f.name == found[2])
    choices = f" (one of {', '.join(field.choices)})" if field.choices else ""
    return f"{field.flag}: {found[1]}{choices}"
