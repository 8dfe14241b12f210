"""What runs on a rank's host: starts the worker, with its end of a connection to the relay. Knows no messages."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence

from penstock.workers.on_ray.network import interface_of, open_port, own_address


class RankActor:
    """One rank. Ray ends it, and with it its worker, when the relay is gone."""

    def __init__(self) -> None:
        host = own_address()
        self._meeting = f"tcp://{host}:{open_port(host)}"

    def meeting(self) -> str:
        """An address on this host where all ranks may meet; asked of the first rank's actor."""
        return self._meeting

    def run(
        self,
        arguments: Sequence[str],
        environ: Mapping[str, str],
        relay: tuple[str, int],
        secret: bytes,
    ) -> int:
        """The worker's exit status. `secret` tells the relay that it is not somebody else who connects."""
        with socket.create_connection(relay) as line:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            line.sendall(secret)
            worker = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "penstock.workers",
                    "--link",
                    str(line.fileno()),
                    *arguments,
                ],
                pass_fds=[line.fileno()],
                env={**os.environ, **_network_of(own_address()), **environ},
            )
        try:
            return worker.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                worker.kill()


def _network_of(address: str) -> dict[str, str]:
    """Where several interfaces are, tensors go the way that Ray goes, unless an operator says otherwise."""
    name = interface_of(address)
    return {"GLOO_SOCKET_IFNAME": name, "NCCL_SOCKET_IFNAME": name} if name else {}
