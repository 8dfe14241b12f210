"""A file of API keys that may be written anew while programs run. Knows when to read, not what it says."""

import logging
import os

from penstock.protocol.errors import SettingsError
from penstock.protocol.keys.holders import KeyFile
from penstock.protocol.keys.reading import read_key_file

log = logging.getLogger("penstock.keys")

Stamp = tuple[int, int, int]


class WatchedKeyFile:
    """`now` is what held last. A file that turns bad while programs run changes nothing; each fault is told once."""

    def __init__(self, path: str) -> None:
        """Raises SettingsError."""
        self._path = path
        self._read_at = self._seen = self._look()
        self.now: KeyFile = read_key_file(path)
        self._told = ""

    @property
    def is_out_of_date(self) -> bool:
        return self._look() != self._read_at

    def refresh(self) -> bool:
        """Whether it says something new. What changed since the last call may be half there: the next one reads it."""
        before, self._seen = self._seen, self._look()
        return self._seen == before != self._read_at and self.reread()

    def reread(self) -> bool:
        """Whether it says something else than before, whatever its date."""
        self._read_at, before = self._look(), self.now
        try:
            self.now = read_key_file(self._path)
        except SettingsError as error:
            if str(error) != self._told:
                log.error("%s; the keys of before go on to hold", error)
            self._told = str(error)
            return False
        self._told = ""
        if self.now == before:
            return False
        log.info("%s was read again: %d holders of keys", self._path, len(self.now.keys))
        return True

    def _look(self) -> Stamp | None:
        """Replaced files and those behind a changed link differ in more than their date."""
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size
