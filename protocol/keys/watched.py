"""A file of API keys that may be written anew while programs run. Knows when to read, not what it says."""

import logging

from penstock.protocol.errors import SettingsError
from penstock.protocol.keys.holders import KeyFile
from penstock.protocol.keys.reading import read_key_file
from penstock.protocol.still_files import StillFiles

log = logging.getLogger("penstock.keys")


class WatchedKeyFile:
    """`now` is what held last. A file that turns bad while programs run changes nothing; each fault is told once."""

    def __init__(self, path: str, still_s: float) -> None:
        """`still_s`: how long it must have been the same before it is read again. Raises SettingsError."""
        self._path = path
        self._file = StillFiles([path], still_s)
        self.now: KeyFile = read_key_file(path)
        self._told = ""

    def refresh(self, now_s: float) -> bool:
        """Whether it says something new; to be asked again and again. What is being written is not read."""
        return self._file.have_news(now_s) and self._read()

    def reread(self) -> bool:
        """At once: whether it says something else than before, whatever its date."""
        self._file.take()
        return self._read()

    def _read(self) -> bool:
        try:
            found = read_key_file(self._path)
        except SettingsError as error:
            self._tell(str(error))
            return False
        if not self._file.are_as_taken:
            return False  # whoever writes it is not done: the next look finds it changed
        self._told = ""
        if found == self.now:
            return False
        self.now = found
        log.info("%s was read again: %d holders of keys", self._path, len(found.keys))
        return True

    def _tell(self, fault: str) -> None:
        if fault != self._told:
            log.error("%s; the keys of before go on to hold", fault)
        self._told = fault
