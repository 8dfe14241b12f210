"""Health, readiness, load, version and metrics over HTTP. Knows no measure itself."""

import msgspec
from aiohttp import web

from penstock import __version__
from penstock.frontend import health, metrics
from penstock.frontend.api.query import QueryReader
from penstock.frontend.api.shapes import json_response
from penstock.frontend.services import SERVICES


class VersionQuery(msgspec.Struct, frozen=True):
    format: str = ""
    """`text` for the bare number."""


VERSION = QueryReader(VersionQuery)


async def ping(request: web.Request) -> web.Response:
    return _of(health.ping())


async def healthy(request: web.Request) -> web.Response:
    return _of(health.health(request.app[SERVICES].client))


async def ready(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    if not services.drain.draining:
        await services.client.meet()
    return _of(health.ready(services.client, services.drain.draining))


async def load(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    return _of(health.load(services.client, services.client.num_streams))


async def version(request: web.Request) -> web.Response:
    wanted = VERSION.read(request).format
    found = health.version(__version__, request.headers.get("Accept", ""), wanted)
    return web.Response(text=found) if isinstance(found, str) else json_response(found)


async def show_metrics(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    page = await metrics.page(services.client, services.registry, services.model)
    return web.Response(body=page, headers={"Content-Type": metrics.CONTENT_TYPE})


def _of(answer: health.Answer[health.Probe] | health.Answer[health.Load]) -> web.Response:
    return json_response(answer.body, answer.status)
