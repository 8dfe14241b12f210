"""All keys of a front end, as they are now. Knows where they are set, not who asks."""

import time

from penstock.frontend.auth.keyring import Keyring
from penstock.protocol.errors import SettingsError
from penstock.protocol.keys import WatchedKeyFile
from penstock.protocol.settings import FrontendSettings

STILL_S = 0.9
"""How long the file must be the same: the engine core has read it by then."""


class Keys:
    """`ring` is replaced whenever the file says something new."""

    def __init__(self, settings: FrontendSettings) -> None:
        """Raises SettingsError."""
        if "" in settings.api_key:
            raise SettingsError("--api-key: the key is empty; without the flag the API is open")
        path = settings.api_key_file
        self._keys = settings.api_key
        self._file = WatchedKeyFile(path, STILL_S) if path else None
        self.are_needed = bool(self._keys or self._file)
        """A file that holds no key (any more) lets nobody in."""
        self.ring = self._make_ring()

    @property
    def may_change(self) -> bool:
        return self._file is not None

    def refresh(self) -> None:
        """Looks whether the file was written; to be called about twice a second."""
        if self._file and self._file.refresh(time.monotonic()):
            self.ring = self._make_ring()

    def reread(self) -> None:
        """At once, whatever the file's date."""
        if self._file and self._file.reread():
            self.ring = self._make_ring()

    def _make_ring(self) -> Keyring:
        return Keyring(self._keys, self._file.now.keys if self._file else ())
