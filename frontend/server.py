"""One front end's life: listen, serve, drain, end. Knows signals and order, not requests.

It listens before the engine is there, so that probes are answered while a model loads. On SIGTERM it is
first unready for a moment, so that balancers look elsewhere; then it stops listening, and open requests
get `drain_timeout_s` to finish. A second signal ends it at once.
"""

import asyncio
import logging
import signal
import socket

from aiohttp import web

from penstock.frontend.app import build_app
from penstock.frontend.listening import BACKLOG, address
from penstock.frontend.services import Services

log = logging.getLogger("penstock.http")

NOTICE_S = 0.5
"""How long /ready says no before connections are refused."""
CLOSING_S = 1.0


async def serve(services: Services, listener: socket.socket) -> None:
    """Returns when a signal ended it and all is closed."""
    ended = _on_signals(asyncio.get_running_loop())
    runner = _runner(services)
    await runner.setup()
    site = web.SockSite(runner, listener, backlog=BACKLOG)
    await site.start()
    port = None if services.settings.uds else listener.getsockname()[1]
    log.info("listening on %s", address(services.settings, port))
    await services.client.start()
    try:
        await ended.wait()
        await _drain(services, site, ended)
    finally:
        await runner.cleanup()
        services.encoder.close()
        await services.client.close()


def _runner(services: Services) -> web.AppRunner:
    """Handlers are cancelled when their client leaves: that is how its sequences are aborted."""
    return web.AppRunner(
        build_app(services),
        handler_cancellation=True,
        access_log=None,
        auto_decompress=False,  # see api/packed_body.py
        keepalive_timeout=services.settings.keep_alive_s,
        shutdown_timeout=CLOSING_S,
    )


async def _drain(services: Services, site: web.SockSite, ended: asyncio.Event) -> None:
    drain = services.drain
    ended.clear()
    log.info("draining: %d requests are open", drain.num_open)
    drain.draining = True
    finishing = asyncio.create_task(_finish(services, site))
    again = asyncio.create_task(ended.wait())
    await asyncio.wait([finishing, again], return_when=asyncio.FIRST_COMPLETED)
    for task in (finishing, again):
        task.cancel()
    await asyncio.gather(finishing, again, return_exceptions=True)


async def _finish(services: Services, site: web.SockSite) -> None:
    await asyncio.sleep(min(NOTICE_S, services.settings.drain_timeout_s))
    await site.stop()
    await services.drain.finish(services.settings.drain_timeout_s)


def _on_signals(loop: asyncio.AbstractEventLoop) -> asyncio.Event:
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    return ended
