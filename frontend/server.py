"""One front end's life: listen, serve, drain, end. Knows signals and order, not requests.

It listens before the engine is there, so that probes are answered while a model loads. On SIGTERM it is
first unready for a moment, so that balancers look elsewhere; then it stops listening, and open requests
get `drain_timeout_s` to finish. A second signal ends it at once. On SIGHUP it reads its certificate and its
keys again; without either it ends as on SIGTERM, so that whoever keeps it running starts it anew.
"""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Coroutine, Iterator

from aiohttp import web

from penstock.frontend.app import build_app
from penstock.frontend.http.listening import address
from penstock.frontend.http.serving import start_serving
from penstock.frontend.http.tls import Certificates
from penstock.frontend.services import Services
from penstock.protocol import service_manager
from penstock.protocol.errors import EngineGoneError

log = logging.getLogger("penstock.frontend")

NOTICE_S = 0.5
"""How long /ready says no before connections are refused."""
CLOSING_S = 1.0
READY_S = 60.0


async def serve(
    services: Services, listener: socket.socket, certificates: Certificates | None
) -> None:
    """Returns when a signal ended it and all is closed."""
    ended = _on_signals(asyncio.get_running_loop())
    runner = make_runner(services)
    await runner.setup()
    context = certificates.context if certificates else None
    with _fresh(services, certificates):  # whoever sees it listen may hang up at once
        server = await start_serving(runner, listener, services.settings, context)
        port = None if services.settings.uds else listener.getsockname()[1]
        log.info("listening on %s", address(services.settings, port))
        await services.client.start()
        await _serve_until(ended, services, runner, server)


async def _serve_until(
    ended: asyncio.Event, services: Services, runner: web.AppRunner, server: asyncio.Server
) -> None:
    with _aside(_tell_ready(services)):
        try:
            await ended.wait()
            await _drain(services, server, ended)
        finally:
            server.close()
            await runner.cleanup()
            services.encoder.close()
            await services.client.close()


def make_runner(services: Services) -> web.AppRunner:
    """Handlers are cancelled when their client leaves: that is how its sequences are aborted."""
    return web.AppRunner(build_app(services), handler_cancellation=True, shutdown_timeout=CLOSING_S)


async def _tell_ready(services: Services) -> None:
    while not services.client.is_ready:
        with contextlib.suppress(EngineGoneError):
            await services.client.wait_ready(READY_S)
    service_manager.notify(service_manager.READY)


async def _drain(services: Services, server: asyncio.Server, ended: asyncio.Event) -> None:
    drain = services.drain
    ended.clear()
    log.info("draining: %d requests are open", drain.num_open)
    service_manager.notify(service_manager.STOPPING)
    drain.draining = True
    finishing = asyncio.create_task(_finish(services, server))
    again = asyncio.create_task(ended.wait())
    await asyncio.wait([finishing, again], return_when=asyncio.FIRST_COMPLETED)
    for task in (finishing, again):
        task.cancel()
    await asyncio.gather(finishing, again, return_exceptions=True)


async def _finish(services: Services, server: asyncio.Server) -> None:
    await asyncio.sleep(min(NOTICE_S, services.settings.drain_timeout_s))
    server.close()
    await services.drain.finish(services.settings.drain_timeout_s)


def _on_signals(loop: asyncio.AbstractEventLoop) -> asyncio.Event:
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, ended.set)
    return ended


@contextlib.contextmanager
def _fresh(services: Services, certificates: Certificates | None) -> Iterator[None]:
    """Meanwhile SIGHUP, and where it is wished any change of the files, brings a new certificate and new keys."""

    def reread() -> None:
        services.keys.reread()
        if certificates:
            certificates.reload()

    if certificates or services.keys.may_change:
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reread)
    watches = certificates if services.settings.enable_ssl_refresh else None
    with _aside(watches.watch()) if watches else contextlib.nullcontext():
        yield


@contextlib.contextmanager
def _aside(work: Coroutine[None, None, None]) -> Iterator[None]:
    """Meanwhile `work` is done."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
