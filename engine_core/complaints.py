"""What arrived and was no message: counted, answered, and logged at a bounded rate. Knows no message."""

import logging

from penstock.engine_core.frontends import Sender
from penstock.protocol.messages import PROTOCOL_VERSION, Hello, RefusalCode, Refused
from penstock.protocol.metrics import Registry

log = logging.getLogger("penstock.engine")

MAX_REASON_CHARS = 400


def other_version(hello: Hello) -> str:
    return (
        f"protocol version {hello.protocol_version}: this engine speaks {PROTOCOL_VERSION}; "
        "run front ends and engine from compatible releases"
    )


class LogRate:
    """At most `burst` lines in a window of `window_s`; the next window's first line tells of the rest."""

    def __init__(self, burst: int = 5, window_s: float = 10.0) -> None:
        self._burst, self._window_s = burst, window_s
        self._ends_at = 0.0
        self._num_seen = 0

    def admits(self, now: float) -> str | None:
        """What to append to the line, or None to leave it out."""
        if now >= self._ends_at:
            num_left_out = max(0, self._num_seen - self._burst)
            self._ends_at, self._num_seen = now + self._window_s, 1
            return f" ({num_left_out} more before it)" if num_left_out else ""
        self._num_seen += 1
        return "" if self._num_seen <= self._burst else None


class Complaints:
    """A peer that sends nonsense is told so each time; the log's readers are not."""

    def __init__(self, door: Sender, registry: Registry) -> None:
        self._door = door
        self._num_malformed = registry.counter("penstock:malformed_messages_total")
        self._rate = LogRate()

    def malformed(self, identity: bytes, reason: str, now: float) -> None:
        """Of a reason that quotes the message, the beginning must do."""
        reason = reason[:MAX_REASON_CHARS]
        self._num_malformed.inc()
        rest = self._rate.admits(now)
        if rest is not None:
            log.warning("refused a message from %r: %s%s", identity, reason, rest)
        self._door.send(identity, Refused(0, RefusalCode.MALFORMED, reason))
