"""Puts the front end together: routes, and what every request passes through. Knows no endpoint's inside."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence

from aiohttp import web
from aiohttp.typedefs import Middleware

from penstock.frontend.access import Recorder, add_ignored_params, add_request_id, recorder
from penstock.frontend.api.timing import add_server_timing
from penstock.frontend.auth import guard
from penstock.frontend.auth.watching import watch_keys
from penstock.frontend.errors import translator
from penstock.frontend.http.cors import Cors, preflights
from penstock.frontend.metering import add_rate_headers
from penstock.frontend.openapi.declared import Route
from penstock.frontend.pages.documentation import DESCRIPTION, Description
from penstock.frontend.reached import Endpoints
from penstock.frontend.routes import endpoints
from penstock.frontend.services import SERVICES, Services
from penstock.protocol.settings import FrontendSettings

AddHeaders = Callable[[web.Request, web.StreamResponse], Awaitable[None]]


def build_app(services: Services) -> web.Application:
    """Layers, headers and lives around the endpoints, which are routed as they are declared."""
    settings, listed = services.settings, Endpoints()
    cors, declared = Cors(settings), endpoints(settings)
    app = web.Application(
        middlewares=_layers(services, cors, listed), client_max_size=settings.max_body_bytes or 0
    )
    app[SERVICES] = services
    described = [each for each in declared if isinstance(each, Route)]
    app[DESCRIPTION] = Description(described, is_guarded=services.keys.are_needed)
    app.on_response_prepare.extend(_headers(settings, cors))
    app.cleanup_ctx.extend([watch_keys, _responses])
    listed.add(app.router, declared)
    return app


def _layers(services: Services, cors: Cors, listed: Endpoints) -> Sequence[Middleware]:
    """From the outside in: record, answer preflights, translate errors, check the key."""
    settings = services.settings
    return (
        recorder(Recorder(services.registry, settings, listed), services.drain),
        *([preflights(cors)] if cors else []),
        translator(services.drain, settings.validation_status),
        guard(services.keys, listed),
    )


def _headers(settings: FrontendSettings, cors: Cors) -> Iterator[AddHeaders]:
    """Whatever adds some to an answer that is about to be sent."""
    yield add_ignored_params
    yield add_rate_headers
    if settings.enable_server_timing:
        yield add_server_timing
    if settings.enable_request_id_headers:
        yield add_request_id
    if cors:
        yield cors.add_headers
    yield _close_while_draining


async def _responses(app: web.Application) -> AsyncIterator[None]:
    """Those in the background go on while nobody is connected."""
    services = app[SERVICES]
    if services.store is None or services.background is None:
        yield
        return
    await services.background.start()
    yield
    await services.background.close()
    await services.store.close()


async def _close_while_draining(request: web.Request, response: web.StreamResponse) -> None:
    """So that the client's next request finds another front end."""
    if request.app[SERVICES].drain.draining:
        response.headers["Connection"] = "close"
        response.force_close()
