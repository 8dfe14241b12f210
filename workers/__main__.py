"""The command that engine-core starts once per rank. Knows the order of starting, nothing of the work."""

import sys

from penstock.protocol import flags, logs
from penstock.protocol.settings import WorkerSettings
from penstock.workers.lifetime import follow_parent
from penstock.workers.link import Link, LinkSettings
from penstock.workers.native.building import Building, begin
from penstock.workers.threads import prepare_threads


def main() -> int:
    """Runs one worker until Shutdown, a fault, or its parent's end."""
    follow_parent()
    place, settings = flags.parse(
        "penstock-worker",
        "Run the model for one rank.",
        [LinkSettings, WorkerSettings],
        sys.argv[1:],
    )
    logs.set_up(settings.log_level, settings.log_format, f"worker-{place.rank}")
    num_threads = prepare_threads(settings.cpu_threads, place.world_size)
    building = begin(settings.cpu_kernels, place.world_size)
    link = Link(place)
    link.progress("starting", 0.0)
    status = _run(link, place, settings, num_threads, building)
    link.close()
    return status


def _run(
    link: Link,
    place: LinkSettings,
    settings: WorkerSettings,
    num_threads: int,
    building: Building | None,
) -> int:
    import torch  # only now: OpenMP reads its variables when torch loads it

    from penstock.workers.worker import Worker

    torch.set_num_threads(num_threads)
    return Worker(link, place, settings, building).run()


if __name__ == "__main__":
    sys.exit(main())
