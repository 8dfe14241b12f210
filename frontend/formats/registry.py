"""Formats by name: Penstock's own, and those that installed packages add. Knows none of them."""

from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import TypeVar

from penstock.frontend.formats import reasoning_formats, tool_formats
from penstock.frontend.formats.declarations import ReasoningFormat, ToolFormat
from penstock.protocol.errors import SettingsError

F = TypeVar("F", ToolFormat, ReasoningFormat)
TOOL_GROUP = "penstock.tool_formats"
REASONING_GROUP = "penstock.reasoning_formats"


def tool_format(name: str) -> ToolFormat:
    """Raises SettingsError for a name that neither Penstock nor an installed package knows."""
    own = tool_formats.KNOWN
    return _named("tool-call-parser", name, ToolFormat, own, tool_formats.ALIASES, TOOL_GROUP)


def reasoning_format(name: str) -> ReasoningFormat:
    """Raises SettingsError for a name that neither Penstock nor an installed package knows."""
    own, aliases = reasoning_formats.KNOWN, reasoning_formats.ALIASES
    return _named("reasoning-parser", name, ReasoningFormat, own, aliases, REASONING_GROUP)


def installed_tool_formats() -> list[ToolFormat]:
    """Those of other packages."""
    return [_load("tool-call-parser", each, ToolFormat) for each in entry_points(group=TOOL_GROUP)]


def installed_reasoning_formats() -> list[ReasoningFormat]:
    """Those of other packages."""
    found = entry_points(group=REASONING_GROUP)
    return [_load("reasoning-parser", each, ReasoningFormat) for each in found]


def _named(
    flag: str, name: str, kind: type[F], own: Sequence[F], aliases: Mapping[str, str], group: str
) -> F:
    for each in own:
        if each.name == aliases.get(name, name):
            return each
    installed: dict[str, EntryPoint] = {each.name: each for each in entry_points(group=group)}
    if name not in installed:
        known = ", ".join(sorted({*(each.name for each in own), *aliases, *installed}))
        raise SettingsError(f"--{flag}: there is no format {name!r} (known: {known})")
    return _load(flag, installed[name], kind)


def _load(flag: str, entry: EntryPoint, kind: type[F]) -> F:
    try:
        loaded = entry.load()
    except Exception as error:  # another package's code may fail like any program
        raise SettingsError(f"--{flag}: {entry.value} cannot be loaded: {error}") from error
    if not isinstance(loaded, kind):
        raise SettingsError(f"--{flag}: {entry.value} is no {kind.__name__}")
    return loaded
