"""One line on stderr that tells how far a batch is. Knows counts only."""

import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

INTERVAL_S = 0.2
WIDTH = 20

Wanted = bool | Callable[..., Any] | None
"""None: where somebody watches. True, False: whether. Else what makes a bar, as `tqdm` does."""


class Bar:
    """Silent where it is not wanted."""

    def __init__(self, total: int, stream: TextIO | None) -> None:
        self._total, self._stream = total, stream
        self._done = self._tokens = 0
        self._started = time.monotonic()
        self._shown_at = 0.0

    def tell(self, num_tokens: int) -> None:
        """One more is done, with so many tokens."""
        self._done += 1
        self._tokens += num_tokens
        now = time.monotonic()
        if now - self._shown_at >= INTERVAL_S or self._done == self._total:
            self._shown_at = now
            self._show(now - self._started)

    def close(self) -> None:
        if self._stream is not None and self._total:
            self._stream.write("\n")
            self._stream.flush()

    def _show(self, elapsed_s: float) -> None:
        if self._stream is None:
            return
        filled = WIDTH * self._done // self._total
        rate = self._tokens / max(elapsed_s, 1e-9)
        self._stream.write(
            f"\rProcessed prompts: {100 * self._done // self._total:3d}%|{'#' * filled:<{WIDTH}}| "
            f"{self._done}/{self._total} [{elapsed_s:.1f} s, {rate:.0f} output tokens/s]"
        )
        self._stream.flush()


class ForeignBar(Bar):
    """A tqdm of the program's own."""

    def __init__(self, total: int, make: Callable[..., Any]) -> None:
        super().__init__(total, None)
        self._bar = make(total=total, desc="Processed prompts", dynamic_ncols=True)

    def tell(self, num_tokens: int) -> None:
        self._bar.update(1)

    def close(self) -> None:
        self._bar.close()


def make_bar(wanted: Wanted, total: int) -> Bar:
    if callable(wanted):
        return ForeignBar(total, wanted)
    is_watched = sys.stderr is not None and sys.stderr.isatty()
    shows = is_watched if wanted is None else wanted
    return Bar(total, sys.stderr if shows else None)
