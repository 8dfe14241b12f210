"""Who gets through a tcp:// endpoint: the bearers of known keys, and nobody else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq
import zmq.auth

from penstock.protocol import curve, sockets
from penstock.protocol.errors import SettingsError

PATIENCE_MS = 2000


@pytest.fixture
def context() -> Iterator["zmq.Context[Any]"]:
    made: zmq.Context[Any] = zmq.Context()
    yield made
    made.destroy(0)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    zmq.auth.create_certificates(tmp_path, "server")
    zmq.auth.create_certificates(tmp_path, "client")
    return tmp_path


def _arrives(
    context: "zmq.Context[Any]", server_keys: Path, client_keys: Path, patience_ms: int
) -> bool:
    endpoint = "tcp://127.0.0.1:*"
    with (
        curve.known_clients_only(context, endpoint, str(server_keys)),
        sockets.bind_router(context, endpoint, str(server_keys)) as router,
    ):
        bound = router.getsockopt_string(zmq.LAST_ENDPOINT)
        with sockets.connect_dealer(context, bound, b"frontend/1", str(client_keys)) as dealer:
            dealer.linger = 0
            dealer.send(b"hello")
            return bool(router.poll(patience_ms))


def test_a_known_client_gets_through(context: "zmq.Context[Any]", keys: Path) -> None:
    assert _arrives(context, keys, keys, PATIENCE_MS)


def test_a_client_with_a_key_of_its_own_making_does_not(
    context: "zmq.Context[Any]", keys: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stranger = tmp_path_factory.mktemp("stranger")
    (stranger / "server.key").write_bytes((keys / "server.key").read_bytes())
    zmq.auth.create_certificates(stranger, "client")
    assert not _arrives(context, keys, stranger, 500)


def test_tcp_without_keys_is_refused_at_start(context: "zmq.Context[Any]", tmp_path: Path) -> None:
    for curve_dir in (None, str(tmp_path)):
        with pytest.raises(SettingsError, match="curve-dir"):
            sockets.bind_router(context, "tcp://127.0.0.1:*", curve_dir)
        with pytest.raises(SettingsError, match="curve-dir"):
            sockets.connect_dealer(context, "tcp://127.0.0.1:1", b"x", curve_dir)


@pytest.mark.parametrize(
    "endpoint", ["engine", "/run/engine", "tcp://host", "ws://host:1", "ipc://"]
)
def test_an_endpoint_is_a_path_or_a_host_and_port(
    context: "zmq.Context[Any]", endpoint: str
) -> None:
    with pytest.raises(SettingsError, match="expected ipc:///path or tcp://host:port"):
        sockets.bind_router(context, endpoint, None)
    with pytest.raises(SettingsError, match="expected ipc:///path or tcp://host:port"):
        sockets.open_dealer(context, endpoint, b"x", None)
