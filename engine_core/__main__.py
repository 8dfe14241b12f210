"""The `engine-core` command: reads settings, opens the door, starts the workers. Knows the parts, not their work."""

import contextlib
import gc
import logging
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import zmq

from penstock import __version__
from penstock.engine_core.door import Door
from penstock.engine_core.engine import STATUS_SETTINGS, EngineCore
from penstock.engine_core.loop import run, woken_by_signals
from penstock.engine_core.worker_group import RankStart, WorkerGroup
from penstock.protocol import curve, flags, logs, model_path, sockets
from penstock.protocol.errors import PenstockError, SettingsError
from penstock.protocol.readers import reader_may_leave
from penstock.protocol.settings import EngineSettings, WorkerSettings

log = logging.getLogger("penstock.engine")

DESCRIPTION = (
    "Schedule a model's requests: front ends connect to --endpoint, workers are started and kept."
)


@reader_may_leave()
def main(argv: Sequence[str] | None = None, worker: Sequence[str] | None = None) -> int:
    """The whole life of the engine core; returns its exit status. `worker` is for tests: another worker program."""
    arguments = sys.argv[1:] if argv is None else argv
    (settings,) = flags.parse("engine-core", DESCRIPTION, [EngineSettings], arguments)
    logs.set_up(settings.log_level, settings.log_format, "engine-core")
    for notice in flags.inert_notices(settings):
        log.warning("%s", notice)
    try:
        return serve(settings, worker or _worker_program(settings))
    except PenstockError as error:
        log.error("%s", error)
        return STATUS_SETTINGS


def _worker_program(settings: EngineSettings) -> list[str]:
    """Raises SettingsError where what it needs is not installed."""
    if settings.uses_ray and find_spec("ray") is None:
        raise SettingsError(
            "--distributed-executor-backend ray needs Ray: pip install 'penstock[ray]', on every host"
        )
    program = "penstock.workers.on_ray" if settings.uses_ray else "penstock.workers"
    return [sys.executable, "-P", "-m", program]


def serve(settings: EngineSettings, worker: Sequence[str]) -> int:
    """Raises PenstockError when the model or the endpoint cannot be had."""
    worker = [*worker, "--model-dir", str(model_path.find_model(settings))]
    with (
        woken_by_signals() as told_to_stop,
        _context() as context,
        _address(settings.endpoint) as endpoint,
        curve.known_clients_only(context, settings.endpoint or "", settings.curve_dir),
        tempfile.TemporaryDirectory(prefix="penstock-ranks-") as meeting,
    ):
        door = Door(_bind(context, endpoint, settings.curve_dir))
        log.info("penstock %s engine-core for %s at %s", __version__, settings.model, endpoint)
        group = _worker_group(settings, worker, Path(meeting))
        engine = EngineCore(settings, door, group, epoch=time.time_ns())
        gc.freeze()  # what is here now stays; collections need not walk it
        try:
            return run(engine, door, told_to_stop)
        finally:
            group.stop()
            door.socket.close()


@contextlib.contextmanager
def _context() -> "Iterator[zmq.Context[Any]]":
    context: zmq.Context[Any] = zmq.Context()
    try:
        yield context
    finally:
        context.destroy(sockets.LINGER_MS)


@contextlib.contextmanager
def _address(endpoint: str | None) -> Iterator[str]:
    """The endpoint, or one in a private folder."""
    if endpoint:
        yield endpoint
        return
    with sockets.runtime_dir(None) as folder:
        yield f"ipc://{folder}/engine"


def _bind(context: "zmq.Context[Any]", endpoint: str, curve_dir: str | None) -> "zmq.Socket[Any]":
    try:
        return sockets.bind_router(context, endpoint, curve_dir)
    except zmq.ZMQError as error:
        raise SettingsError(f"--endpoint {endpoint}: {error}") from error


def _worker_group(settings: EngineSettings, worker: Sequence[str], meeting: Path) -> WorkerGroup:
    """`meeting` is a private folder, where the ranks of each start find each other."""
    values = {name: getattr(settings, name) for name in WorkerSettings.__struct_fields__}
    common = [*worker, *flags.to_argv(WorkerSettings(**values))]

    def argv(start: RankStart) -> list[str]:
        place = {
            "--link": start.descriptor,
            "--rank": start.rank,
            "--tensor-parallel-size": settings.tensor_parallel_size,
            "--pipeline-parallel-size": settings.pipeline_parallel_size,
            "--rendezvous": f"file://{meeting}/{start.generation}",
        }
        return [*common, *(str(part) for pair in place.items() for part in pair)]

    return WorkerGroup(
        argv, settings.world_size, settings.worker_start_timeout_s, settings.step_timeout_s
    )


if __name__ == "__main__":
    sys.exit(main())
