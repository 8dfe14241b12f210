"""One value of a plan: what it is, how it is shown, and where it came from. Knows no plan."""

from collections.abc import Mapping
from typing import Any

import msgspec


class Row(msgspec.Struct, frozen=True):
    """`value` is for programs (None: not known before the start), `shown` for people."""

    name: str
    value: Any
    shown: str
    source: str


Plan = dict[str, list[Row]]
"""Rows by section, in the order of reading."""


class Sources:
    """Where the value of each setting came from: a flag, a file, a variable, or nobody."""

    def __init__(self, found: Mapping[str, str]) -> None:
        self._found = found

    def of(self, name: str, otherwise: str = "default") -> str:
        """`otherwise` says what decided when nobody set it."""
        return self._found.get(name, otherwise)


def mib(num_bytes: float) -> str:
    """1572864 is '1.5 MiB'."""
    if num_bytes >= 1 << 30:
        return f"{num_bytes / (1 << 30):.2f} GiB"
    if num_bytes >= 1 << 20:
        return f"{num_bytes / (1 << 20):.1f} MiB"
    return f"{num_bytes / (1 << 10):.1f} KiB"
