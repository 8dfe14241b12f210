"""The command line of a program: one parser from its structs of settings. Knows argparse, not what values mean."""

import argparse
import difflib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NoReturn

import msgspec
from msgspec import inspect

from penstock.protocol.flags.field import Field, fields_of, members
from penstock.protocol.flags.sizes import UNITS

Structs = Sequence[type[msgspec.Struct]]


class Parser(argparse.ArgumentParser):
    """argparse that, on an unknown flag, names the nearest known one."""

    def error(self, message: str) -> NoReturn:
        known = {o for a in self._actions for o in a.option_strings}
        if message.startswith("unrecognized arguments: "):
            unknown = message.split()[2].split("=")[0]
            message = f"unknown setting {unknown}{nearest(unknown, known)}"
        self.exit(2, f"{self.prog}: {message}\n(--help lists all settings)\n")


class _Once(argparse.Action):
    """Two values are refused, where the last would otherwise win without a word."""

    def __init__(self, *args: Any, reason: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._reason = reason

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        if getattr(namespace, self.dest, values) != values:
            parser.error(f"{option_string} twice: {self._reason}")
        setattr(namespace, self.dest, values)


def nearest(name: str, known: Collection[str]) -> str:
    """'; did you mean ...?', where something known is close."""
    close = closest(name, known)
    return f"; did you mean {close!r}?" if close else ""


def closest(name: str, known: Collection[str]) -> str | None:
    """Of what is known, if anything is close."""
    return next(iter(difflib.get_close_matches(name, sorted(known), n=1)), None)


def build_parser(prog: str, description: str, structs: Structs) -> Parser:
    """One parser for several programs' settings; a name they share is one flag that feeds each."""
    parser = Parser(
        prog=prog,
        description=description,
        usage="%(prog)s [MODEL] [settings]",
        epilog=f"A UNIT is {UNITS}.",
    )
    parser.add_argument("model_positional", nargs="?", metavar="MODEL", help="same as --model")
    parser.add_argument(
        "--config", metavar="FILE", help="a YAML, TOML or JSON file of these settings; flags win"
    )
    add_settings(parser, structs)
    return parser


def add_settings(parser: argparse.ArgumentParser, structs: Structs) -> None:
    """One group of flags for each struct."""
    for struct, fields in by_struct(structs):
        group = parser.add_argument_group(title_of(struct))
        for field in fields:
            if not field.is_variable:
                _add(field, group)


def by_struct(structs: Structs) -> list[tuple[type[msgspec.Struct], list[Field]]]:
    """The settings of each, a name that several share at the first of them alone."""
    seen: set[str] = set()
    found = []
    for struct in structs:
        fields = [f for f in fields_of(struct) if f.name not in seen]
        seen |= {f.name for f in fields}
        found.append((struct, fields))
    return found


def title_of(struct: type[msgspec.Struct]) -> str:
    return (struct.__doc__ or struct.__name__).split("\n")[0].rstrip(".")


def _add(field: Field, group: argparse._ArgumentGroup) -> None:
    shared: dict[str, Any] = {"dest": field.name, "default": argparse.SUPPRESS}
    told = {**shared, "help": _help(field)}
    if isinstance(field.kind, inspect.BoolType):
        group.add_argument(*field.spellings, action=argparse.BooleanOptionalAction, **told)
    elif isinstance(field.kind, inspect.ListType):
        group.add_argument(*field.spellings, nargs="+", action="extend", metavar="X", **told)
    elif "once" in field.extra:
        told |= {"action": _Once, "reason": field.extra["once"]}
        group.add_argument(*field.spellings, metavar=_metavar(field), **told)
    else:
        group.add_argument(*field.spellings, metavar=_metavar(field), **told)
    for opposite in field.opposites:
        turns_off = f"same as --no-{field.flag[2:]}"
        group.add_argument(opposite, action="store_false", help=turns_off, **shared)


def _help(field: Field) -> str:
    variables = ", ".join(field.variables)
    told = [
        effect_of(field),
        effect_by_value(field),
        f"Variable: {variables}." if variables else "",
    ]
    return " ".join(filter(None, [*told, f"[{field.default_word}]"])).replace("%", "%%")


def effect_of(field: Field) -> str:
    """What a setting does, or does not do here."""
    inert, refused = field.extra.get("inert"), field.extra.get("refused")
    return " ".join(
        filter(
            None,
            [
                field.help,
                f"No effect here: {inert}." if isinstance(inert, str) else "",
                f"Not served: {refused}." if isinstance(refused, str) else "",
            ],
        )
    )


def effect_by_value(field: Field) -> str:
    """Reasons that hold for some values, the values of one reason together."""
    told = []
    for effect, words in (("inert", "no effect"), ("refused", "not served")):
        reasons = field.extra.get(effect)
        if not isinstance(reasons, Mapping):
            continue
        for reason in dict.fromkeys(reasons.values()):
            values = ", ".join(v for v, why in reasons.items() if why == reason)
            told.append(f"{values}: {words}, {reason}.")
    return " ".join(told)


def _metavar(field: Field) -> str:
    if field.choices:
        return "{" + ",".join(field.choices) + "}"
    if field.extra.get("human"):
        return "N[UNIT]"
    numbers = inspect.IntType | inspect.FloatType
    return "N" if any(isinstance(t, numbers) for t in members(field.kind)) else "X"
