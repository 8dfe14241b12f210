"""A rank's relay, which the engine core starts in a worker's place. Knows the order of starting, no model."""

import logging
import os
import secrets
import socket
import sys
from typing import Any

import msgspec

from penstock.protocol import flags
from penstock.protocol.errors import PenstockError
from penstock.protocol.plan import WorkerFault
from penstock.protocol.settings import WorkerSettings
from penstock.workers.lifetime import follow_parent
from penstock.workers.link import Link, LinkSettings
from penstock.workers.on_ray.splice import splice

ACCEPT_TIMEOUT_S = 120.0
SECRET_BYTES = 32
PASSED_ON = ("PENSTOCK_", "VLLM_", "NCCL_", "GLOO_", "HF_", "TORCH_", "CUDA_LAUNCH", "PYTHONPATH")
"""Variables that workers read; a rank's own host decides about all others."""

log = logging.getLogger("penstock.worker")


def main() -> int:
    """Until the worker, the engine core, or the cluster ends it."""
    follow_parent()
    place, settings = flags.parse(
        "penstock-worker-on-ray",
        "Run the model for one rank, somewhere in a Ray cluster.",
        [LinkSettings, WorkerSettings],
        sys.argv[1:],
    )
    logging.basicConfig(
        level=settings.log_level.upper(),
        format=f"%(asctime)s %(levelname)s relay {place.rank}: %(message)s",
    )
    line = socket.socket(fileno=os.dup(place.link))
    link = Link(place)
    link.progress("finding a place in the Ray cluster", 0.0)
    try:
        far = _far_end(place, settings)
    except (PenstockError, OSError) as error:
        log.error("%s", error)
        link.send(WorkerFault(place.rank, str(error)))
        return 1
    splice(line, far)
    return 0


def _far_end(place: LinkSettings, settings: WorkerSettings) -> socket.socket:
    """A connection to the worker, which an actor has started."""
    from penstock.workers.on_ray import cluster  # it imports Ray, which takes a second
    from penstock.workers.on_ray.network import own_address

    cluster.connect(shows_logs=place.rank == 0)
    actor = cluster.start_actor(place)
    address = cluster.meeting(place)
    host, secret = own_address(), secrets.token_bytes(SECRET_BYTES)
    with socket.create_server((host, 0)) as door:
        _run(actor, msgspec.structs.replace(place, rendezvous=address), settings, door, secret)
        return _accepted(door, secret)


def _run(
    actor: Any, place: LinkSettings, settings: WorkerSettings, door: socket.socket, secret: bytes
) -> None:
    arguments = [a for a in flags.to_argv(place) if not a.startswith("--link")]
    environ = {k: v for k, v in os.environ.items() if k.startswith(PASSED_ON)}
    actor.run.remote(
        [*arguments, *flags.to_argv(settings)], environ, door.getsockname()[:2], secret
    )


def _accepted(door: socket.socket, secret: bytes) -> socket.socket:
    """Whoever does not know the secret is turned away."""
    door.settimeout(ACCEPT_TIMEOUT_S)
    while True:
        far, _ = door.accept()
        far.settimeout(ACCEPT_TIMEOUT_S)
        if secrets.compare_digest(_read(far, SECRET_BYTES), secret):
            far.settimeout(None)
            far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return far
        far.close()


def _read(source: socket.socket, num_bytes: int) -> bytes:
    data = b""
    while len(data) < num_bytes and (more := source.recv(num_bytes - len(data))):
        data += more
    return data


if __name__ == "__main__":
    sys.exit(main())
