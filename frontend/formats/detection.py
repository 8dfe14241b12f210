"""Finds out from a chat template's source how its model writes calls and reasoning. Renders nothing.

Formats of other packages are asked for their signs before Penstock's own.
"""

from collections.abc import Sequence
from typing import TypeVar

from penstock.frontend.formats import reasoning_formats, registry, tool_formats
from penstock.frontend.formats.declarations import ReasoningFormat, ToolFormat

F = TypeVar("F", ToolFormat, ReasoningFormat)


def tools_written_by(template_source: str) -> ToolFormat | None:
    return _first((*registry.installed_tool_formats(), *tool_formats.KNOWN), template_source)


def reasoning_written_by(template_source: str) -> ReasoningFormat | None:
    known = (*registry.installed_reasoning_formats(), *reasoning_formats.KNOWN)
    return _first(known, template_source)


def _first(known: Sequence[F], source: str) -> F | None:
    """The first format of whose groups of signs the template holds one completely."""
    source = source.replace('\\"', '"').replace("\\n", "\n")
    for candidate in known:
        if any(all(sign in source for sign in group) for group in candidate.signs):
            return candidate
    return None
