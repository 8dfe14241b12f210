"""ZeroMQ sockets as Penstock uses them. Knows addresses, bounds and permissions, not messages.

ipc:// paths live in a folder of mode 0700; tcp:// needs CURVE keys (docs/protocol.md).
"""

import os
import re
import stat
import tempfile
from pathlib import Path
from typing import Any

import zmq

from penstock.protocol import curve
from penstock.protocol.codec import MAX_FRAME_BYTES
from penstock.protocol.errors import SettingsError

LINGER_MS = 1000
_ENDPOINT = re.compile(r"ipc://.+|tcp://.+:(\d+|\*)")


def make_runtime_dir(path: str | None) -> Path:
    """A folder that only this user can enter; fresh under $XDG_RUNTIME_DIR or /tmp when `path` is None."""
    if path is None:
        base = os.environ.get("XDG_RUNTIME_DIR")
        return Path(
            tempfile.mkdtemp(prefix="penstock-", dir=base if base and os.path.isdir(base) else None)
        )
    folder = Path(path).absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        raise SettingsError(f"--runtime-dir {folder}: must be private to its user (chmod 700)")
    return folder


def open_socket(context: "zmq.Context[Any]", kind: int) -> "zmq.Socket[Any]":
    """A bounded socket without a high-water mark: what is queued is bounded by admission, not dropped."""
    socket: zmq.Socket[Any] = context.socket(kind)
    socket.setsockopt(zmq.LINGER, LINGER_MS)
    socket.setsockopt(zmq.MAXMSGSIZE, MAX_FRAME_BYTES)
    socket.setsockopt(zmq.SNDHWM, 0)
    socket.setsockopt(zmq.RCVHWM, 0)
    return socket


def check_endpoint(endpoint: str) -> None:
    """Raises SettingsError on what is neither a path nor a host and port: no other transport is guarded."""
    if not _ENDPOINT.fullmatch(endpoint):
        raise SettingsError(f"--endpoint {endpoint}: expected ipc:///path or tcp://host:port")


def bind_router(
    context: "zmq.Context[Any]", endpoint: str, curve_dir: str | None
) -> "zmq.Socket[Any]":
    """The engine core's door. A send to a front end that is gone raises, instead of vanishing."""
    check_endpoint(endpoint)
    keys = curve.server_keys(endpoint, curve_dir)
    socket = open_socket(context, zmq.ROUTER)
    socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
    curve.serve(socket, keys)
    socket.bind(endpoint)
    return socket


def open_dealer(
    context: "zmq.Context[Any]", endpoint: str, identity: bytes, curve_dir: str | None
) -> "zmq.Socket[Any]":
    """A front end's end of the line to the engine core, not yet connected: a monitor comes first."""
    check_endpoint(endpoint)
    keys = curve.client_keys(endpoint, curve_dir)
    socket = open_socket(context, zmq.DEALER)
    socket.setsockopt(zmq.IDENTITY, identity)
    socket.setsockopt(zmq.RECONNECT_IVL, 50)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, 500)
    curve.join(socket, keys)
    return socket


def connect_dealer(
    context: "zmq.Context[Any]", endpoint: str, identity: bytes, curve_dir: str | None
) -> "zmq.Socket[Any]":
    """The same, connected; ZeroMQ reconnects it by itself."""
    socket = open_dealer(context, endpoint, identity, curve_dir)
    socket.connect(endpoint)
    return socket
