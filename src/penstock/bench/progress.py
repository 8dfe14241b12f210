"""One line on a terminal that tells how far a run is. Knows counts only."""

import time
from typing import TextIO

from penstock.bench.records import Record

INTERVAL_S = 0.2


class Progress:
    """Silent where nobody watches."""

    def __init__(self, total: int, wanted: bool, stream: TextIO) -> None:
        self._total = total
        self._stream = stream
        self._shows = wanted and stream.isatty()
        self._done = self._failed = self._tokens = 0
        self._started = time.monotonic()
        self._shown_at = 0.0

    def tell(self, record: Record) -> None:
        self._done += 1
        self._failed += not record.ok
        self._tokens += record.num_output_tokens
        now = time.monotonic()
        if self._shows and (now - self._shown_at >= INTERVAL_S or self._done == self._total):
            self._shown_at = now
            self._stream.write(self._line(now - self._started))
            self._stream.flush()

    def _line(self, elapsed_s: float) -> str:
        failed = f", {self._failed} failed" if self._failed else ""
        end = "\n" if self._done == self._total else ""
        rate = self._tokens / max(elapsed_s, 1e-9)
        return (
            f"\r\033[K{self._done}/{self._total} requests{failed}, "
            f"{rate:.0f} output tokens/s, {elapsed_s:.0f} s{end}"
        )
