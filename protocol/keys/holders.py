"""Who holds API keys, what each may do and how much. Knows the shape of the file, not how it is written.

[total]                                    # all holders together
requests_per_minute = 6000

[[keys]]
name = "search"                            # in logs, metrics and answers; never the key
sha256 = "9f86d081884c7d65..."             # or: key = "sk-..."; each may be a list while keys change
scopes = ["inference", "models"]
weight = 2                                 # of the engine, while others wait too
quotas = { requests_per_minute = 600, tokens_per_day = 5000000, max_concurrent = 20 }
"""

import enum
import hashlib
import re
from collections import Counter
from collections.abc import Hashable, Iterable
from typing import Annotated

import msgspec
from msgspec import Meta

MAX_WEIGHT, MIN_WEIGHT = 1000.0, 0.001
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_KEY = re.compile(r"[!-~]+")
"""What a header can carry without loss."""

Most = Annotated[int, Meta(ge=1)]
Weight = Annotated[float, Meta(ge=MIN_WEIGHT, le=MAX_WEIGHT)]


class Scope(enum.StrEnum):
    """A part of the API that a key opens."""

    INFERENCE = "inference"
    MODELS = "models"
    METRICS = "metrics"
    OPS = "ops"


class _Table(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Base of every table of the file."""


class Quotas(_Table, frozen=True):
    """Upper bounds; what is not set is not bound. A minute and a day are the last ones, not the calendar's."""

    requests_per_minute: Most | None = None
    requests_per_day: Most | None = None
    tokens_per_minute: Most | None = None
    """Prompts and what is generated."""
    tokens_per_day: Most | None = None
    max_concurrent: Most | None = None


class Holder(_Table, frozen=True):
    """One who may ask: a person, a team, a program."""

    name: str
    key: str | list[str] = []
    sha256: str | list[str] = []
    scopes: tuple[Scope, ...] = (Scope.INFERENCE, Scope.MODELS)
    weight: Weight = 1.0
    quotas: Quotas = Quotas()

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError("name must be 1 to 64 letters, digits or any of . _ @ -")
        if not all(_KEY.fullmatch(key) for key in _listed(self.key)):
            raise ValueError(f"key of {self.name!r} must be printable ASCII without blanks")
        if not all(_SHA256.fullmatch(digest) for digest in _listed(self.sha256)):
            raise ValueError(f"sha256 of {self.name!r} must be 64 hexadecimal digits")
        if not self.digests:
            raise ValueError(f"{self.name!r} has neither key nor sha256")

    @property
    def digests(self) -> list[bytes]:
        """Of its keys: all that a comparison needs."""
        given = [bytes.fromhex(digest) for digest in _listed(self.sha256)]
        return given + [digest_of(key) for key in _listed(self.key)]


class KeyFile(_Table, frozen=True):
    """The whole file."""

    keys: list[Holder] = []
    total: Quotas = Quotas()

    def __post_init__(self) -> None:
        if names := _twice(holder.name for holder in self.keys):
            raise ValueError(f"a name twice: {', '.join(sorted(map(str, names)))}")
        shared = _twice(digest for holder in self.keys for digest in holder.digests)
        if owners := [h.name for h in self.keys if shared & {*h.digests}]:
            raise ValueError(f"a key twice, of {', '.join(owners)}")

    @property
    def has_quotas(self) -> bool:
        return any(quotas != Quotas() for quotas in (self.total, *(h.quotas for h in self.keys)))


def digest_of(key: str) -> bytes:
    """Header bytes that are no text hash too."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def _listed(given: str | list[str]) -> list[str]:
    return [given] if isinstance(given, str) else given


def _twice(found: Iterable[Hashable]) -> set[Hashable]:
    return {each for each, count in Counter(found).items() if count > 1}
