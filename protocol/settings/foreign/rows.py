"""How a row of the table of foreign settings is written. Knows no setting."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from msgspec import Meta

Row = tuple[str, Any, Any]
"""A field as `msgspec.defstruct` takes it: name, type, default."""
Reason = str | Mapping[str, str]
"""For any value but the default, or by the value."""


@dataclass(frozen=True)
class Known:
    """A setting by its name, its further flags, and the value that asks for nothing."""

    name: str
    flags: tuple[str, ...]
    kind: Any
    default: Any = None
    extra: Mapping[str, Any] = field(default_factory=dict)


def switch(name: str, *flags: str, default: bool = False) -> Known:
    """A flag without a value."""
    return Known(name, flags, bool, default)


def value(name: str, *flags: str, kind: Any = Any, default: Any = None) -> Known:
    """A flag with one value, of whatever type."""
    return Known(name, flags, kind, default)


def values(name: str, *flags: str) -> Known:
    """A flag with any number of values."""
    return Known(name, flags, list[str], [])


def variable(name: str) -> Known:
    """An environment variable without a flag."""
    return Known(name.lower(), (), Any, None, {"env": [name], "variable": True})


def ignored(reason: Reason, *known: Known) -> list[Row]:
    """They do nothing here, which harms nobody."""
    return [_row(k, "inert", reason) for k in known]


def refused(reason: Reason, *known: Known) -> list[Row]:
    """Going on without them would not be what was asked for."""
    return [_row(k, "refused", reason) for k in known]


def _row(known: Known, effect: str, reason: Reason) -> Row:
    extra = {"flags": list(known.flags), effect: reason, **known.extra}
    return known.name, Annotated[known.kind, Meta(extra=extra)], known.default
