"""Formats as patterns and bounds that say nothing their parsers refuse. Knows no grammar engine.

The engine's own dates have 29 February in every year, a second 60 and digits without end; its host names and
addresses are as long as one likes. Parsers refuse the former, and a model in doubt goes on with the latter
until its tokens are used up.
"""

from collections.abc import Mapping
from types import MappingProxyType
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

_END, _INNER = "[A-Za-z0-9]", "[A-Za-z0-9-]"
_LABEL = (
    f"{_END}(?:{_INNER}?{_END}|{_INNER}{{2}}{_END}"
    f"|{_INNER}(?:{_END}{_INNER}|-{_END}){_INNER}{{0,58}}{_END})?"
)
"""Of a host's name, without `--` in its third and fourth place, where encoded ones of other scripts begin."""
_WORD = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]"
_HEX = "[0-9a-fA-F]"


def _uuid(version: str) -> str:
    return f"^{_HEX}{{8}}-{_HEX}{{4}}-{version}{_HEX}{{3}}-[89abAB]{_HEX}{{3}}-{_HEX}{{12}}$"


PATTERNS: Mapping[str, str] = MappingProxyType(
    {
        "date": f"^{_DATE}$",
        "time": f"^{_TIME}$",
        "date-time": f"^{_DATE}T{_TIME}$",
        "duration": f"^{_DURATION}$",
        "email": rf"^{_WORD}+(?:\.{_WORD}+)*@(?:{_LABEL}\.)+[A-Za-z]{{2,63}}$",
        "hostname": rf"^(?:{_LABEL}\.)*{_LABEL}$",
        "uuid": f"^{_HEX}{{8}}(?:-{_HEX}{{4}}){{3}}-{_HEX}{{12}}$",
        **{f"uuid{version}": _uuid(version) for version in "1345678"},
        "byte": "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
        "base64": "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
        "base64url": "^(?:[A-Za-z0-9_-]{4})*$",
        "json-pointer": "^(?:/(?:[^/~]|~[01])*)*$",
    }
)
LONGEST: Mapping[str, int] = MappingProxyType({"email": 254, "hostname": 253, "uri": 2083})
"""In characters: what mail and names may have, and what pydantic takes for an address of the web.

Not beside a pattern of the schema's own: the engine gives up on patterns that are long and many.
"""
_LONGEST_MAILBOX = "^[^@]{1,64}@"
FREE = frozenset(("password", "binary", "path"))
"""Formats of which every string is one."""
INTEGERS: Mapping[str, int] = MappingProxyType({"int32": 31, "int64": 63})
"""OpenAPI's, and how many bits they have beside the sign."""
_STANDARD = frozenset(
    [
        *PATTERNS, *LONGEST, "ipv4", "ipv6", "uri-reference", "iri", "iri-reference", "uri-template",
        "regex", "idn-email", "idn-hostname", "relative-json-pointer",
    ]
)  # fmt: skip
"""What JSON Schema defines, or this file: others beside a pattern are but a name for what that says."""


def with_formats(schema: Mapping[str, Any]) -> dict[str, Any]:
    """`schema` with what its format means in the format's place, beside what else it asks for.

    A format that is not known stays, for the grammar engine to refuse.
    """
    name, kept = schema.get("format"), {**schema}
    if not isinstance(name, str) or not isinstance(kept.get("allOf", []), list):
        return kept
    meaning = _meaning(name, schema)
    if name in LONGEST and "pattern" not in kept:
        kept = _with_part(kept, {"maxLength": LONGEST[name]})
    if meaning is not None:
        del kept["format"]
    for part in meaning or []:
        kept = _with_part(kept, part)
    return kept


def _meaning(name: str, schema: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Schemas that together say the same; None where that is the engine's to know."""
    if name in INTEGERS and _is_numeric(schema):
        bits = INTEGERS[name]
        return [{"minimum": -(1 << bits), "maximum": (1 << bits) - 1}]
    if name == "email" and "pattern" not in schema:
        return [{"pattern": PATTERNS[name]}, {"pattern": _LONGEST_MAILBOX}]
    if name in PATTERNS:
        return [{"pattern": PATTERNS[name]}]
    return [] if name in FREE or (name not in _STANDARD and _has_pattern(schema)) else None


def _is_numeric(schema: Mapping[str, Any]) -> bool:
    kinds = schema.get("type")
    return kinds in ("integer", "number") or (isinstance(kinds, list) and "string" not in kinds)


def _has_pattern(schema: Mapping[str, Any]) -> bool:
    others = schema.get("allOf")
    parts = [schema, *(others if isinstance(others, list) else [])]
    return any(isinstance(part, dict) and "pattern" in part for part in parts)


def _with_part(schema: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """In the schema itself where it has no such keywords, so that what is simple stays so."""
    if schema.keys() & part.keys():
        return {**schema, "allOf": [*schema.get("allOf", []), part]}
    return {**schema, **part}
