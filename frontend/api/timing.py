"""What took how long on the way to one answer, for its Server-Timing header. Knows clocks, not connections.

arrived ... text ... sent ... queue ... admitted ... prefill ... first token ... decode ... answered
"""

import time

from aiohttp import web

from penstock.frontend.engine.mailbox import Update

TIMING = web.RequestKey("timing", str)


class Timing:
    """Begins when the request is about to be sent to the engine."""

    def __init__(self, arrived_s: float) -> None:
        """`arrived_s` is on time.monotonic's clock."""
        self._arrived_s = arrived_s
        self._sent_s = time.monotonic()
        self._first_s = 0.0
        self._queued_s = 0.0

    @property
    def is_waiting(self) -> bool:
        """Until the first token."""
        return not self._first_s

    def first(self, update: Update) -> None:
        """It is here, and tells how long the engine let it wait."""
        self._first_s = time.monotonic()
        self._queued_s = min(update.queued_us / 1e6, self._first_s - self._sent_s)

    def opening(self) -> str:
        """What is known when a stream begins."""
        queued_s = self._queued_s
        return _header(
            text=self._sent_s - self._arrived_s,
            queue=queued_s,
            prefill=self._first_s - self._sent_s - queued_s,
        )

    def whole(self) -> str:
        """Of an answer that is complete now."""
        now = time.monotonic()
        rest = _header(decode=now - self._first_s, total=now - self._arrived_s)
        return f"{self.opening()}, {rest}"


def _header(**times_s: float) -> str:
    return ", ".join(f"{name};dur={1000 * time_s:.1f}" for name, time_s in times_s.items())


async def add_server_timing(request: web.Request, response: web.StreamResponse) -> None:
    """An `on_response_prepare` signal."""
    timing = request.get(TIMING)
    if timing is not None:
        response.headers["Server-Timing"] = timing
