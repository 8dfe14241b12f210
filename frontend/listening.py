"""Opens the sockets that clients connect to. Knows addresses, not what is served there."""

import os
import socket
import stat

from penstock.protocol.errors import SettingsError
from penstock.protocol.settings import FrontendSettings

BACKLOG = 1024


def listen(settings: FrontendSettings) -> socket.socket:
    """A bound socket. Raises SettingsError when the address cannot be had."""
    try:
        return _listen_unix(settings.uds) if settings.uds else _listen_tcp(settings)
    except OSError as error:
        raise SettingsError(f"cannot listen on {address(settings)}: {error.strerror}") from error


def address(settings: FrontendSettings, port: int | None = None) -> str:
    """For people. `port` is the one that was got for port 0."""
    if settings.uds:
        return f"unix:{settings.uds}"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port if port is None else port}"


def _listen_tcp(settings: FrontendSettings) -> socket.socket:
    """With SO_REUSEPORT the kernel spreads connections over all front ends of one port."""
    family, _, _, _, where = socket.getaddrinfo(
        settings.host or None,
        settings.port,
        type=socket.SOCK_STREAM,
        flags=socket.AI_PASSIVE,
    )[0]
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(where)
    except OSError:
        listener.close()
        raise
    return listener


def _listen_unix(path: str) -> socket.socket:
    """In place of a socket that a former process left behind."""
    if os.path.exists(path) and stat.S_ISSOCK(os.stat(path).st_mode):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    return listener
