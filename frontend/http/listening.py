"""Opens the sockets that clients connect to. Knows addresses and permissions, not what is served there."""

import contextlib
import errno
import os
import socket
import stat
from collections.abc import Iterator

from penstock.protocol.errors import SettingsError
from penstock.protocol.settings import FrontendSettings

BACKLOG = 1024


def listen(settings: FrontendSettings) -> socket.socket:
    """A bound socket. Raises SettingsError when the address cannot be had."""
    try:
        return _listen_unix(settings) if settings.uds else _listen_tcp(settings)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SettingsError(f"cannot listen on {address(settings)}: {reason}") from error


def address(settings: FrontendSettings, port: int | None = None) -> str:
    """For people. `port` is the one that was got for port 0."""
    if settings.uds:
        return f"unix:{settings.uds}"
    scheme = "https" if settings.ssl_certfile else "http"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{scheme}://{host}:{settings.port if port is None else port}"


def _listen_tcp(settings: FrontendSettings) -> socket.socket:
    """With SO_REUSEPORT the kernel spreads connections over all front ends of one port."""
    family, _, _, _, where = socket.getaddrinfo(
        settings.host or None,
        settings.port,
        type=socket.SOCK_STREAM,
        flags=socket.AI_PASSIVE,
    )[0]
    with _closed_on_failure(socket.socket(family, socket.SOCK_STREAM)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(where)
    return listener


def _listen_unix(settings: FrontendSettings) -> socket.socket:
    """In place of a socket that a former process left behind. Its permissions are never wider than asked for."""
    path, mode = settings.uds, int(settings.uds_mode, 8)
    assert path is not None
    _clear(path)
    with _closed_on_failure(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as listener:
        os.fchmod(listener.fileno(), mode)  # what bind makes has these, less the umask
        listener.bind(path)
        os.chmod(path, mode)
    return listener


def _clear(path: str) -> None:
    """Raises OSError when somebody serves there: his clients would be taken from him without a word."""
    if not os.path.exists(path) or not stat.S_ISSOCK(os.stat(path).st_mode):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        if probe.connect_ex(path) != errno.ECONNREFUSED:
            raise OSError("another program serves there")
    os.unlink(path)


@contextlib.contextmanager
def _closed_on_failure(listener: socket.socket) -> Iterator[socket.socket]:
    try:
        yield listener
    except OSError:
        listener.close()
        raise
