"""Keys for tcp:// endpoints: who may connect, and to whom. Knows CURVE certificates, not messages.

The folder `--curve-dir` holds what `zmq.auth.create_certificates` makes: on the engine core's side
server.key_secret and the .key file of every client that may come in; on a front end's side server.key
and client.key_secret.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zmq
import zmq.auth
from zmq.auth.thread import ThreadAuthenticator

from penstock.protocol.errors import SettingsError

Keys = tuple[bytes, ...]


def server_keys(endpoint: str, curve_dir: str | None) -> Keys:
    """Public and secret key of the engine core; none for endpoints that need none."""
    return _load(curve_dir, "server.key_secret") if endpoint.startswith("tcp://") else ()


def client_keys(endpoint: str, curve_dir: str | None) -> Keys:
    """Public and secret key of a front end, and the public one of its engine core; or none."""
    if not endpoint.startswith("tcp://"):
        return ()
    return (*_load(curve_dir, "client.key_secret"), _load(curve_dir, "server.key")[0])


def serve(socket: "zmq.Socket[Any]", keys: Keys) -> None:
    """Only encrypted connections from now on; `known_clients_only` decides whose."""
    if keys:
        socket.curve_publickey, socket.curve_secretkey = keys
        socket.curve_server = True


def join(socket: "zmq.Socket[Any]", keys: Keys) -> None:
    """Connects to no other server than the one whose key is known."""
    if keys:
        socket.curve_publickey, socket.curve_secretkey, socket.curve_serverkey = keys


@contextlib.contextmanager
def known_clients_only(
    context: "zmq.Context[Any]", endpoint: str, curve_dir: str | None
) -> Iterator[None]:
    """Without this, CURVE encrypts but lets in everyone who has the server's public key."""
    if not server_keys(endpoint, curve_dir):
        yield
        return
    authenticator = ThreadAuthenticator(context)
    authenticator.start()
    authenticator.configure_curve(domain="*", location=str(curve_dir))
    try:
        yield
    finally:
        authenticator.stop()


def _load(curve_dir: str | None, file: str) -> tuple[bytes, bytes]:
    if curve_dir is None:
        raise SettingsError("a tcp:// endpoint needs --curve-dir with its keys (docs/protocol.md)")
    try:
        public, secret = zmq.auth.load_certificate(Path(curve_dir) / file)
    except (OSError, ValueError) as error:
        raise SettingsError(f"--curve-dir {curve_dir}: {error}") from error
    return public, secret or b""
