"""When files have changed and then stayed as they are. Knows dates and sizes, not what they say; time is passed in.

A file that is written where it lies is there half for a moment, and half a file may be one that can be read.
"""

import os
from collections.abc import Sequence

Stamp = tuple[tuple[int, int, int], ...]


class StillFiles:
    """Several count as one: they are changed together."""

    def __init__(self, paths: Sequence[str], still_s: float) -> None:
        """`still_s`: how long they must have been the same."""
        self._paths, self._still_s = paths, still_s
        self._since_s = 0.0
        self.take()

    def take(self) -> None:
        """They are about to be read as they are."""
        self._taken = self._seen = self._look()

    def have_news(self, now_s: float) -> bool:
        """Whether they are others than those taken, and were no others for `still_s`. They are then taken."""
        found = self._look()
        if found != self._seen:
            self._seen, self._since_s = found, now_s
        if found == self._taken or now_s - self._since_s < self._still_s:
            return False
        self._taken = found
        return True

    @property
    def are_as_taken(self) -> bool:
        """Whether they stayed as they were while they were read."""
        return self._look() == self._taken

    def _look(self) -> Stamp | None:
        """Replaced files and those behind a changed link differ in more than their date. None while one is away."""
        try:
            found = [os.stat(path) for path in self._paths]
        except OSError:
            return None
        return tuple((f.st_mtime_ns, f.st_ino, f.st_size) for f in found)
