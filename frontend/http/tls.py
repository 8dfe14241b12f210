"""The door's certificate, and new ones in its place while it is open. Knows files and handshakes, not HTTP."""

import asyncio
import logging
import ssl
import time

from penstock.protocol.errors import SettingsError
from penstock.protocol.settings import FrontendSettings
from penstock.protocol.still_files import StillFiles

log = logging.getLogger("penstock.http")

LOOK_S = 1.0
"""Between two looks at the files."""
STILL_S = 0.9
"""How long they must be the same: one comes after the other."""


class Certificates:
    """`context` is what a server listens with; connections that are open keep what they began with.

    A handshake is given the newest context there is, made whole from the files of one moment: loading new files
    into a context in use would leave it torn when they are wrong, and would never forget an authority.
    """

    def __init__(self, settings: FrontendSettings) -> None:
        """Raises SettingsError when the files cannot be used."""
        self._settings = settings
        self.context = self._newest = _context(settings)
        self.context.sni_callback = self._present

    def reload(self) -> None:
        """Files that cannot be used change nothing."""
        try:
            self._newest = _context(self._settings)
        except SettingsError as error:
            log.error("TLS goes on with the files it has: %s", error)
        else:
            log.info("TLS files read again: %s", self._settings.ssl_certfile)

    async def watch(self) -> None:
        """Reloads whenever the files have changed and then stayed as they are for a moment. Never returns."""
        settings = self._settings
        paths = (settings.ssl_certfile, settings.ssl_keyfile, settings.ssl_ca_certs)
        files = StillFiles([path for path in paths if path], STILL_S)
        while True:
            await asyncio.sleep(LOOK_S)
            if files.have_news(time.monotonic()):
                self.reload()

    def _present(
        self, connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext
    ) -> None:
        """Called in every handshake, whether the client names a server or not."""
        connection.context = self._newest


def _context(settings: FrontendSettings) -> ssl.SSLContext:
    assert settings.ssl_certfile is not None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.VerifyMode(settings.ssl_cert_reqs)
    try:
        context.load_cert_chain(settings.ssl_certfile, settings.ssl_keyfile, _no_passphrase)
        if settings.ssl_ca_certs:
            context.load_verify_locations(settings.ssl_ca_certs)
        if settings.ssl_ciphers:
            context.set_ciphers(settings.ssl_ciphers)
    except (OSError, ValueError) as error:
        raise SettingsError(f"{_files(settings)}: {_reason(error)}") from error
    return context


def _no_passphrase() -> str:
    """OpenSSL would ask at the terminal."""
    raise ValueError("the key is encrypted, and nobody is here to type its passphrase")


def _files(settings: FrontendSettings) -> str:
    given = (
        ("--ssl-certfile", settings.ssl_certfile),
        ("--ssl-keyfile", settings.ssl_keyfile),
        ("--ssl-ca-certs", settings.ssl_ca_certs),
        ("--ssl-ciphers", settings.ssl_ciphers),
    )
    return " ".join(f"{flag} {value}" for flag, value in given if value)


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):  # its own words are OpenSSL's, where it has any
        return str(getattr(error, "reason", None) or error.args[0]).lower().replace("_", " ")
    return getattr(error, "strerror", None) or str(error)
