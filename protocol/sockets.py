"""ZeroMQ sockets as Penstock uses them. Knows addresses, bounds and permissions, not messages.

ipc:// paths live in a folder of mode 0700; tcp:// needs CURVE keys (docs/protocol.md).
"""

import contextlib
import os
import re
import shutil
import signal
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zmq

from penstock.protocol import curve
from penstock.protocol.codec import MAX_FRAME_BYTES
from penstock.protocol.errors import SettingsError

LINGER_MS = 1000
_IPC = "ipc://"
_ENDPOINT = re.compile(r"ipc://.+|tcp://.+:(\d+|\*)")


@contextlib.contextmanager
def runtime_dir(path: str | None) -> Iterator[Path]:
    """As `make_runtime_dir`; a fresh one is gone afterwards, whatever signals come meanwhile."""
    folder = make_runtime_dir(path)
    try:
        yield folder
    finally:
        if path is None:
            with _signals_waiting():
                shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _signals_waiting() -> Iterator[None]:
    held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


def make_runtime_dir(path: str | None) -> Path:
    """A folder that only this user can enter; fresh under $XDG_RUNTIME_DIR or /tmp when `path` is None."""
    if path is None:
        base = os.environ.get("XDG_RUNTIME_DIR")
        return Path(
            tempfile.mkdtemp(prefix="penstock-", dir=base if base and os.path.isdir(base) else None)
        )
    folder = Path(path).absolute()
    _make_private(folder, f"--runtime-dir {folder}")
    return folder


def _make_private(folder: Path, setting: str) -> None:
    """Raises SettingsError where others can enter: whoever reaches the socket in it is served."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = stat.S_IMODE(folder.stat().st_mode)
    except OSError as error:
        raise SettingsError(f"{setting}: {error.strerror}") from error
    if mode & 0o077:
        raise SettingsError(
            f"{setting}: others can enter {folder} (mode {mode:04o}); make it private (chmod 700)"
        )


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
    if endpoint.startswith(_IPC):
        _make_private(Path(endpoint.removeprefix(_IPC)).absolute().parent, f"--endpoint {endpoint}")
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
