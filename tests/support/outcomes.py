"""What comes of a command line, file or variables of `penstock serve`. Starts nothing, knows no setting."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from penstock.protocol import flags
from penstock.protocol.settings import SERVE_STRUCTS


@dataclass(frozen=True)
class Outcome:
    """Settings that differ from the defaults, and what is said; or why the start ends."""

    sets: dict[str, Any] = field(default_factory=dict)
    told: tuple[str, ...] = ()
    ends: str = ""


def outcome(argv: list[str], capsys: pytest.CaptureFixture[str], **environ: str) -> Outcome:
    try:
        settings = flags.parse("penstock serve", "", SERVE_STRUCTS, argv, environ)
    except SystemExit:
        return Outcome(ends=capsys.readouterr().err)
    told = [notice for struct in settings for notice in flags.inert_notices(struct)]
    told += flags.unread_notices(SERVE_STRUCTS, environ)
    changed = [found for struct in settings for found in _changed(struct)]
    return Outcome(dict(changed), tuple(dict.fromkeys(told)))


def _changed(settings: msgspec.Struct) -> Iterator[tuple[str, Any]]:
    """What has an effect and is not at its default."""
    for field_ in flags.fields_of(type(settings)):
        value = getattr(settings, field_.name)
        if value != field_.default and not field_.why("inert", value):
            yield field_.name, value
