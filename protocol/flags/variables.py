"""Variables that look like settings and are none: said, so that nobody waits for their effect. Knows no setting."""

import re
from collections.abc import Mapping

from penstock.protocol.flags.command_line import Structs, closest
from penstock.protocol.flags.field import fields_of

FOREIGN_PREFIX = "VLLM_"
_SERVICE = re.compile(r".*_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)")
"""Kubernetes tells every container of every service by such names."""


def unread_notices(structs: Structs, environ: Mapping[str, str]) -> list[str]:
    """One line for each variable of vLLM's that is set and not read, with the nearest that is. No value is told."""
    read = {v for struct in structs for f in fields_of(struct) for v in f.variables}
    unread = {name for name in environ.keys() - read if name.startswith(FOREIGN_PREFIX)}
    return [
        f"{name} is set, but nothing reads it{_nearest(name, read)}"
        for name in sorted(unread)
        if not _SERVICE.fullmatch(name)
    ]


def _nearest(name: str, read: set[str]) -> str:
    """What all begin with says nothing about what is near."""
    stems = [v.removeprefix(FOREIGN_PREFIX) for v in read if v.startswith(FOREIGN_PREFIX)]
    stem = closest(name.removeprefix(FOREIGN_PREFIX), stems)
    return f"; did you mean {FOREIGN_PREFIX}{stem}?" if stem else ""
