"""Formats of dates and times as patterns that say nothing a calendar lacks. Knows no grammar engine.

The engine's own formats have 29 February in every year, a second 60 and digits without end: parsers of
dates refuse the former, and a model in doubt goes on with the latter until its tokens are used up.
"""

from collections.abc import Mapping
from typing import Any

_YEAR = "(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"
_MULTIPLE_OF_4 = "(?:0[48]|[2468][048]|[13579][26])"
_LEAP_YEAR = f"(?:[0-9]{{2}}{_MULTIPLE_OF_4}|{_MULTIPLE_OF_4}00)"
_MONTH_AND_DAY = (
    "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    "|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
_DATE = f"(?:{_YEAR}-{_MONTH_AND_DAY}|{_LEAP_YEAR}-02-29)"
_HOUR_AND_MINUTE = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_TIME = rf"{_HOUR_AND_MINUTE}:[0-5][0-9](?:\.[0-9]{{1,6}})?(?:Z|[+-]{_HOUR_AND_MINUTE})"
_NUMBER = "(?:0|[1-9][0-9]{0,5})"


def _chain(*units: str) -> str:
    """Some of `units` that follow one another, each with its number."""
    return "(?:" + "|".join(_from(units[i:]) for i in range(len(units))) + ")"


def _from(units: tuple[str, ...]) -> str:
    """The first of `units`, and of those behind it as many as there are until one is left out."""
    rest = f"(?:{_from(units[1:])})?" if units[1:] else ""
    return _NUMBER + units[0] + rest


_CLOCK = f"T{_chain('H', 'M', 'S')}"
_DURATION = f"P(?:{_chain('Y', 'M', 'D')}(?:{_CLOCK})?|{_CLOCK}|{_NUMBER}W)"

PATTERNS: Mapping[str, str] = {
    "date": f"^{_DATE}$",
    "time": f"^{_TIME}$",
    "date-time": f"^{_DATE}T{_TIME}$",
    "duration": f"^{_DURATION}$",
}


def with_patterns(schema: Mapping[str, Any]) -> dict[str, Any]:
    """`schema` with a pattern in its format's place, beside the pattern it may have."""
    kept = dict(schema)
    pattern = PATTERNS.get(schema["format"]) if isinstance(schema.get("format"), str) else None
    if pattern is None:
        return kept
    del kept["format"]
    if "pattern" not in kept:
        return {**kept, "pattern": pattern}
    others = kept.get("allOf", [])
    if not isinstance(others, list):
        return dict(schema)  # for the grammar engine to refuse
    return {**kept, "allOf": [*others, {"pattern": pattern}]}
