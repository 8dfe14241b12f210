"""Command lines of `penstock bench`: settings by flag, help with examples. Knows no setting."""

import argparse
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from penstock.protocol import flags
from penstock.protocol.errors import SettingsError


class Usage(NamedTuple):
    """What --help says around the settings."""

    prog: str
    description: str
    examples: str


def parse(
    usage: Usage,
    structs: Sequence[type[msgspec.Struct]],
    argv: Sequence[str],
    environ: Mapping[str, str] = os.environ,
) -> list[Any]:
    """One struct of each kind. Exits as programs do. Raises SettingsError on a bad value."""
    return _convert(structs, _parser(usage, structs).parse_args(argv), environ)


def parse_some(
    usage: Usage,
    structs: Sequence[type[msgspec.Struct]],
    argv: Sequence[str],
    environ: Mapping[str, str] = os.environ,
) -> tuple[list[Any], list[str]]:
    """As `parse`, and the arguments that are none of these settings, in their order."""
    given, others = _parser(usage, structs).parse_known_args(argv)
    return _convert(structs, given, environ), others


def _parser(usage: Usage, structs: Sequence[type[msgspec.Struct]]) -> flags.Parser:
    parser = flags.Parser(
        prog=usage.prog,
        description=usage.description,
        epilog=f"examples:\n{usage.examples}",
        usage="%(prog)s [settings]",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    flags.add_settings(parser, structs)
    return parser


def _convert(
    structs: Sequence[type[msgspec.Struct]], given: argparse.Namespace, environ: Mapping[str, str]
) -> list[Any]:
    return [flags.convert(struct, vars(given), environ) for struct in structs]


def pairs(flag: str, items: Sequence[str], separator: str) -> dict[str, str]:
    """KEY=VALUE words by their key. Raises SettingsError."""
    found = {}
    for item in items:
        key, middle, value = item.partition(separator)
        if not middle or not key:
            raise SettingsError(f"{flag} {item}: expected KEY{separator}VALUE")
        found[key.strip()] = value.strip()
    return found
