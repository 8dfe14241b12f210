"""`penstock serve`: starts the programs, restarts what dies, stops them in order. Knows no requests.

The engine core starts first because its worker takes longest; front ends come up beside it and answer
503 until it is ready. On SIGTERM the front ends drain first, while the engine still serves them.
"""

import asyncio
import logging
import os
import shutil
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from penstock import __version__
from penstock.addresses import address, claim_port, is_ready, settle_count
from penstock.children import Child
from penstock.preflight import check_engine, check_frontend
from penstock.protocol import flags, logs, service_manager, sockets
from penstock.protocol.errors import PenstockError, SettingsError
from penstock.protocol.service_manager import Ear
from penstock.protocol.settings import (
    SERVE_STRUCTS,
    EngineSettings,
    FrontendSettings,
    ServeSettings,
)

log = logging.getLogger("penstock.serve")

DESCRIPTION = (
    "Serve a model behind the OpenAI API: an engine core, its worker and several front ends on one port. "
    "Without MODEL it serves brook, the small model that ships inside."
)
READY_POLL_S = 0.1
STOP_GRACE_S = 5.0


class Deployment:
    """The running programs of one `penstock serve`."""

    def __init__(
        self, engine: EngineSettings, frontend: FrontendSettings, serve: ServeSettings, ear: Ear
    ) -> None:
        self._ear = ear
        self.frontend = frontend
        self.serve = serve
        self.drain_s = frontend.drain_timeout_s
        self._was_ready = False
        self._status = 0
        self._stop = asyncio.Event()
        self._engine = Child("engine-core", _argv("engine_core", engine), self._engine_gives_up)
        self._frontends = [self._front_end(i) for i in range(serve.api_server_count)]

    def _front_end(self, index: int) -> Child:
        settings = _numbered(self.frontend, index)
        return Child(
            f"api-frontend-{index}",
            _front_end_argv(self.serve.frontend_program, settings),
            give_up=lambda status: status == 2,
            environ=flags.secret_environ(settings) | self._ear.environ,
        )

    def _engine_gives_up(self, status: int) -> bool:
        """While front ends drain, an engine core that was told to stop as well is not to come back."""
        return self._stop.is_set() or not self._was_ready or status == 2

    async def run(self) -> int:
        """Serves until told to stop, or until a program cannot be kept running. Returns the exit status."""
        started = time.monotonic()
        engine = asyncio.create_task(self._engine.run())
        frontends = [asyncio.create_task(f.run()) for f in self._frontends]
        told = asyncio.create_task(self._stop.wait())
        announce = asyncio.create_task(self._announce(started))
        await asyncio.wait([engine, *frontends, told], return_when=asyncio.FIRST_COMPLETED)
        announce.cancel()
        status = _first_failure([engine, *frontends])
        await self._shut_down(engine, frontends)
        return status or self._status

    def stop(self) -> None:
        """First call: drain and end. Second call: end at once."""
        if self._stop.is_set():
            log.warning("asked twice: ending at once")
            for child in [self._engine, *self._frontends]:
                child.kill()
        self._stop.set()

    def hang_up(self) -> None:
        """On SIGHUP: with TLS front ends read their certificate again, keys all look at by themselves; else it ends."""
        if self.frontend.ssl_certfile is None:
            if self.frontend.api_key_file is None:
                self.stop()
            return
        service_manager.notify(service_manager.RELOADING)
        for child in self._frontends:
            child.hang_up()
        service_manager.notify(service_manager.READY)

    async def _is_ready(self) -> bool:
        """Penstock's own front ends say so themselves; others may not know how."""
        if self.serve.frontend_program is None:
            return self._ear.is_ready
        return await is_ready(self.frontend)

    async def _announce(self, started: float) -> None:
        while not await self._is_ready():
            if time.monotonic() - started > self.serve.start_timeout_s:
                log.error(
                    "not ready after %.0f s (--start-timeout-s): giving up",
                    self.serve.start_timeout_s,
                )
                self._status = 1
                self.stop()
                return
            await asyncio.sleep(READY_POLL_S)
        self._was_ready = True
        service_manager.notify(service_manager.READY)
        seconds = time.monotonic() - started
        log.info(
            "ready in %.1f s: %s (%d front end%s)",
            seconds,
            address(self.frontend),
            len(self._frontends),
            "" if len(self._frontends) == 1 else "s",
        )

    async def _shut_down(
        self, engine: "asyncio.Task[int]", frontends: "list[asyncio.Task[int]]"
    ) -> None:
        log.info(
            "stopping: front ends finish their streams (at most %.0f s), then the engine core",
            self.drain_s,
        )
        service_manager.notify(service_manager.STOPPING)
        for child in self._frontends:
            child.stop()
        await asyncio.wait(frontends, timeout=self.drain_s + STOP_GRACE_S)
        self._engine.stop()
        await asyncio.wait([engine], timeout=STOP_GRACE_S)
        for child in [*self._frontends, self._engine]:
            child.kill()
        await asyncio.gather(engine, *frontends)


def _first_failure(programs: "list[asyncio.Task[int]]") -> int:
    return next((abs(task.result()) or 1 for task in programs if task.done()), 0)


def _argv(package: str, settings: msgspec.Struct) -> list[str]:
    return [sys.executable, "-P", "-m", f"penstock.{package}", *flags.to_argv(settings)]


def _front_end_argv(program: str | None, settings: FrontendSettings) -> list[str]:
    return [program, *flags.to_argv(settings)] if program else _argv("frontend", settings)


def find_frontend_program(serve: ServeSettings) -> ServeSettings:
    """Settings with the program's whole path. Raises SettingsError when it is none that can be run."""
    if serve.frontend_program is None:
        return serve
    found = shutil.which(serve.frontend_program)
    if found is None:
        raise SettingsError(
            f"--frontend-program {serve.frontend_program}: no such program, or it may not be run"
        )
    return msgspec.structs.replace(serve, frontend_program=str(Path(found).absolute()))


def default_count(serve: ServeSettings, sources: Mapping[str, str]) -> ServeSettings:
    """A program of somebody else's seldom shares its port, so there is one of it unless more are asked for."""
    if serve.frontend_program is None or "api_server_count" in sources:
        return serve
    return msgspec.structs.replace(serve, api_server_count=1)


def _numbered(settings: FrontendSettings, index: int) -> FrontendSettings:
    return msgspec.structs.replace(
        settings, frontend_id=f"{settings.frontend_id or 'frontend'}-{index}"
    )


async def _serve(
    engine: EngineSettings, frontend: FrontendSettings, serve: ServeSettings, folder: Path
) -> int:
    with Ear(folder) as ear:
        deployment = Deployment(engine, frontend, serve, ear)
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(signum, deployment.stop)
        loop.add_signal_handler(signal.SIGHUP, deployment.hang_up)
        return await deployment.run()


def _explain(
    engine: EngineSettings,
    frontend: FrontendSettings,
    serve: ServeSettings,
    sources: Mapping[str, str],
) -> int:
    """Prints the plan and starts nothing. Raises PenstockError as the programs would."""
    from penstock.explain.asked import Asked  # no other start needs it
    from penstock.explain.plan import make_plan
    from penstock.explain.rows import Sources
    from penstock.explain.show import FORMS

    assert serve.explain is not None
    _tell([*flags.inert_notices(engine), *flags.inert_notices(frontend)])
    if engine.endpoint:
        sockets.check_endpoint(engine.endpoint)
    print(FORMS[serve.explain](make_plan(Asked(engine, frontend, serve, Sources(sources)))))
    try:
        claim_port(frontend)
    except SettingsError as error:  # no fault of the plan: the server it is for may be running
        log.warning("now it would not start: %s", error)
    return 0


def _tell(notices: Sequence[str]) -> None:
    for notice in notices:
        log.warning("%s", notice)


def main(argv: Sequence[str]) -> int:
    """The whole life of `penstock serve`; returns its exit status."""
    (serve, frontend, engine, foreign), sources = flags.parse_and_tell(
        "penstock serve", DESCRIPTION, SERVE_STRUCTS, argv
    )
    logs.set_up(engine.log_level, engine.log_format, "serve")
    _tell(flags.inert_notices(foreign))
    _tell(flags.unread_notices(SERVE_STRUCTS, os.environ))
    try:
        serve = find_frontend_program(
            settle_count(default_count(serve, sources), frontend, sources)
        )
        check_engine(engine)
        if serve.frontend_program is None:
            check_frontend(frontend)
        if serve.explain is not None:
            return _explain(engine, frontend, serve, sources)
        frontend = claim_port(frontend)
        with sockets.runtime_dir(serve.runtime_dir) as folder:
            endpoint = engine.endpoint or f"ipc://{folder}/engine"
            engine = msgspec.structs.replace(engine, endpoint=endpoint)
            frontend = msgspec.structs.replace(frontend, endpoint=endpoint)
            log.info("penstock %s serving %s", __version__, engine.model)
            return asyncio.run(_serve(engine, frontend, serve, folder))
    except PenstockError as error:
        log.error("%s", error)
        return 2
