"""Parameters of which some are tried in every run and the others only with `-m long`. Knows no test."""

from collections.abc import Iterable
from typing import Any

import pytest


def often(some: Iterable[Any], seldom: Iterable[Any]) -> list[Any]:
    """`some`, then those of `seldom` that are not among them: variants that show what `some` show."""
    some = list(some)
    others = [one for one in seldom if one not in some]
    return [*some, *(pytest.param(*_fields(one), marks=pytest.mark.long) for one in others)]


def _fields(one: Any) -> tuple[Any, ...]:
    return one if isinstance(one, tuple) else (one,)
