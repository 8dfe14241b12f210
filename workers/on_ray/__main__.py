"""A rank's relay, which the engine core starts in a worker's place. Knows the order of starting, no model."""

import logging
import os
import secrets
import socket
import sys

import msgspec

from penstock.protocol import flags
from penstock.protocol.errors import PenstockError
from penstock.protocol.plan import WorkerFault
from penstock.protocol.settings import WorkerSettings
from penstock.workers.lifetime import follow_parent
from penstock.workers.link import Link, LinkSettings
from penstock.workers.on_ray.rendezvous import accepted
from penstock.workers.on_ray.splice import splice

SECRET_BYTES = 32
PASSED_ON = (
    "PENSTOCK_CACHE", "NCCL_", "GLOO_", "HF_HOME", "HF_HUB_CACHE", "TORCH_", "CUDA_LAUNCH", "PYTHONPATH",
)  # fmt: skip
"""Variables that workers read. Settings go as arguments, keys stay here, a rank's own host decides about the rest."""

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
    except Exception as error:  # Ray has errors of many kinds
        expected = isinstance(error, PenstockError | OSError)
        log.error("%s", error, exc_info=None if expected else error)
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
        met = msgspec.structs.replace(place, rendezvous=address)
        run = actor.run.remote(*_run_arguments(met, settings), door.getsockname()[:2], secret)
        return accepted(door, secret, lambda: cluster.check_runs(run))


def _run_arguments(
    place: LinkSettings, settings: WorkerSettings
) -> tuple[list[str], dict[str, str]]:
    arguments = [a for a in flags.to_argv(place) if not a.startswith("--link")]
    environ = {k: v for k, v in os.environ.items() if k.startswith(PASSED_ON)}
    return [*arguments, *flags.to_argv(settings)], environ


if __name__ == "__main__":
    sys.exit(main())
