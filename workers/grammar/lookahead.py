"""Patterns that libraries write with look-ahead, without it. Knows these by heart; the grammar engine has none."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

_CLOCK = r"T(?:\d+H(?:\d+M)?(?:\d+(?:[.,]\d+)?S)?|\d+M(?:\d+(?:[.,]\d+)?S)?|\d+(?:[.,]\d+)?S)"
EQUALS: Mapping[str, str] = MappingProxyType(
    {
        # an address of mail, and a duration (Zod)
        r"^(?!\.)(?!.*\.\.)([A-Za-z0-9_'+\-\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}$": (
            r"^(?:[A-Za-z0-9_'+-]+\.)*[A-Za-z0-9_'+-]*[A-Za-z0-9_+-]@(?:[A-Za-z0-9][A-Za-z0-9-]*\.)+[A-Za-z]{2,}$"
        ),
        r"^P(?:(\d+W)|(?!.*W)(?=\d|T\d)(\d+Y)?(\d+M)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+([.,]\d+)?S)?)?)$": (
            rf"^P(?:\d+W|(?:\d+Y(?:\d+M)?(?:\d+D)?|\d+M(?:\d+D)?|\d+D)(?:{_CLOCK})?|{_CLOCK})$"
        ),
        # a decimal number (Pydantic)
        r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$": r"^[+-]?(?:\d+\.?\d*|\.\d+)$",
    }
)


def without_lookahead(schema: dict[str, Any]) -> dict[str, Any]:
    """`schema` with a pattern that says the same, where it is one of these."""
    pattern = schema.get("pattern")
    if not isinstance(pattern, str) or pattern not in EQUALS:
        return schema
    return {**schema, "pattern": EQUALS[pattern]}
