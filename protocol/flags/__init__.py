"""Flags, environment and files to settings, and back to flags. Knows structs of settings, not what they mean.

Precedence: flag, then --config file, then environment, then default. `null` in a file means the default.
"""

from penstock.protocol.flags.argv import secret_environ, to_argv
from penstock.protocol.flags.command_line import Parser, add_settings, build_parser, nearest
from penstock.protocol.flags.convert import convert, parse, parse_and_tell
from penstock.protocol.flags.field import Field, fields_of
from penstock.protocol.flags.files import read_file
from penstock.protocol.flags.page import settings_page
from penstock.protocol.flags.sizes import human_int
from penstock.protocol.flags.told import inert_notices
from penstock.protocol.flags.variables import unread_notices

__all__ = [
    "Field",
    "Parser",
    "add_settings",
    "build_parser",
    "convert",
    "fields_of",
    "human_int",
    "inert_notices",
    "nearest",
    "parse",
    "parse_and_tell",
    "read_file",
    "secret_environ",
    "settings_page",
    "to_argv",
    "unread_notices",
]
