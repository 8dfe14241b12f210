"""Keeps the ledger's counts in a file, so that they outlive an engine. Knows files, not what is counted.

Written beside the old one and moved over it: whoever reads finds a whole file. Times are told as ages, since each
engine has a clock of its own; how long nobody counted, the file's own time tells.
"""

import contextlib
import logging
import os
import time
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from penstock.engine_core.limits.ledger import Counts
from penstock.protocol.settings import EngineSettings

log = logging.getLogger("penstock.engine")

IPC = "ipc://"
WRITE_S = 1.0
PATIENCE = 100.0
"""A file that takes long to write is written so much more rarely: a hundredth of the time, at most."""

Age = Annotated[float, Meta(ge=0)]
Amount = Annotated[int, Meta(ge=0)]


def state_file(settings: EngineSettings) -> "StateFile | None":
    """Where the settings say; auto is beside the socket, which outlives this process but not its deployment."""
    if not (settings.rate_limit_token or settings.api_key_file):
        return None
    endpoint = settings.endpoint or ""
    match settings.limits_file:
        case "auto" if endpoint.startswith(IPC):
            return StateFile(str(Path(endpoint.removeprefix(IPC)).parent / "limits.json"))
        case "auto" | "none" | "":
            return None
        case path:
            return StateFile(path)


class _Written(msgspec.Struct, frozen=True):
    at_unix_s: float
    counts: dict[str, dict[str, list[tuple[Age, Amount]]]]
    """See the ledger's `Counts`."""


class StateFile:
    """`read` once, then `write`, which leaves out what comes too soon."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._next_write = 0.0

    def read(self) -> tuple[Counts, float]:
        """What was counted, and the seconds since. A file that cannot be read is told of, and counts nothing."""
        try:
            written = msgspec.json.decode(self._path.read_bytes(), type=_Written)
        except FileNotFoundError:
            return {}, 0.0
        except (OSError, msgspec.DecodeError) as error:
            log.error("--limits-file %s: %s; counting begins anew", self._path, error)
            return {}, 0.0
        return written.counts, max(0.0, time.time() - written.at_unix_s)

    def is_due(self, now: float) -> bool:
        return now >= self._next_write

    def write(self, counts: Counts, now: float) -> None:
        """A disk that is full costs the counts, not the service."""
        begun = time.monotonic()
        temporary = self._path.with_name(self._path.name + ".new")
        try:
            temporary.write_bytes(msgspec.json.encode(_Written(time.time(), counts)))
            os.replace(temporary, self._path)
        except OSError as error:
            log.error("--limits-file %s cannot be written: %s", self._path, error)
            with contextlib.suppress(OSError):
                temporary.unlink()
        self._next_write = now + max(WRITE_S, PATIENCE * (time.monotonic() - begun))
