"""Which bounds hold for whom, from the settings and the file of keys. Knows no count."""

import enum
from collections.abc import Sequence

import msgspec

from penstock.protocol.keys import KeyFile, Quotas

MINUTE_S, DAY_S = 60.0, 86400.0


class Kind(enum.StrEnum):
    """What a window counts."""

    REQUESTS = "requests"
    TOKENS = "tokens"


class Rule(msgspec.Struct, frozen=True):
    """At most `limit` in any `length_s` seconds."""

    name: str
    kind: Kind
    limit: int
    length_s: float

    def __str__(self) -> str:
        words = {1.0: "second", MINUTE_S: "minute", DAY_S: "day"}
        span = words.get(self.length_s, f"{self.length_s:g} seconds")
        return f"{self.limit} {self.kind} per {span}"


class Bounds(msgspec.Struct, frozen=True):
    """All that holds for one subject."""

    rules: tuple[Rule, ...] = ()
    max_concurrent: int | None = None


_OF_QUOTAS = {
    "requests_per_minute": (Kind.REQUESTS, MINUTE_S),
    "requests_per_day": (Kind.REQUESTS, DAY_S),
    "tokens_per_minute": (Kind.TOKENS, MINUTE_S),
    "tokens_per_day": (Kind.TOKENS, DAY_S),
}


def bounds_of(quotas: Quotas, rules: Sequence[Rule] = ()) -> Bounds:
    set_ones = [
        Rule(name, kind, limit, length_s)
        for name, (kind, length_s) in _OF_QUOTAS.items()
        if (limit := getattr(quotas, name)) is not None
    ]
    return Bounds((*rules, *set_ones), quotas.max_concurrent)


class RuleBook:
    """The bounds of everyone, as they are now."""

    def __init__(self, rate: Rule | None = None, file: KeyFile | None = None) -> None:
        """`rate` holds for each key, or, for who has none, each address."""
        everyone = (rate,) if rate else ()
        self._everyone = Bounds(everyone)
        self._holders = {h.name: bounds_of(h.quotas, everyone) for h in file.keys} if file else {}
        self.total = bounds_of(file.total) if file else Bounds()
        self.is_empty = rate is None and not (file and file.has_quotas)

    def of(self, subject: str) -> Bounds:
        return self._holders.get(subject, self._everyone)

    def is_holder(self, subject: str) -> bool:
        return subject in self._holders
