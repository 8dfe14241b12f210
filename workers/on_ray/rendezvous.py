"""The relay's door: lets in the one who knows the secret. Knows sockets, neither Ray nor ranks."""

import secrets
import socket
import time
from collections.abc import Callable

PATIENCE_S = 120.0
SECRET_TIMEOUT_S = 5.0
LOOK_S = 1.0


def accepted(
    door: socket.socket, secret: bytes, look: Callable[[], None], patience_s: float = PATIENCE_S
) -> socket.socket:
    """Whoever does not know the secret, or is slow to tell it, is turned away.

    Calls `look` about every second; it raises where nobody will come any more. Raises TimeoutError.
    """
    end = time.monotonic() + patience_s
    door.settimeout(min(LOOK_S, patience_s))
    while time.monotonic() < end:
        look()
        try:
            far, _ = door.accept()
        except TimeoutError:
            continue
        if _knows(far, secret):
            far.settimeout(None)
            far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return far
        far.close()
    raise TimeoutError(f"the worker did not come back within {patience_s:.0f} s")


def _knows(far: socket.socket, secret: bytes) -> bool:
    try:
        return secrets.compare_digest(_read(far, len(secret)), secret)
    except OSError:  # it is slow, or gone
        return False


def _read(source: socket.socket, num_bytes: int) -> bytes:
    data, end = b"", time.monotonic() + SECRET_TIMEOUT_S
    while len(data) < num_bytes:
        source.settimeout(max(0.001, end - time.monotonic()))
        more = source.recv(num_bytes - len(data))
        if not more:
            break
        data += more
    return data
