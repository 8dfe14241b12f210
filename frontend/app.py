"""Puts the front end together: routes, and what every request passes through. Knows no endpoint's inside."""

from collections.abc import AsyncIterator

from aiohttp import web

from penstock.frontend.access import Recorder, add_ignored_params, add_request_id, recorder
from penstock.frontend.api import unsupported
from penstock.frontend.api.timing import add_server_timing
from penstock.frontend.auth import guard, open_routes
from penstock.frontend.auth.watching import watch_keys
from penstock.frontend.docs_pages.pages import DESCRIPTION, Description
from penstock.frontend.errors import translator
from penstock.frontend.http.cors import Cors, preflights
from penstock.frontend.http.root_path import add_slash
from penstock.frontend.metering import add_rate_headers
from penstock.frontend.routes import routes
from penstock.frontend.services import SERVICES, Services


def build_app(services: Services) -> web.Application:
    """From the outside in: record, answer preflights, translate errors, check the key, answer."""
    settings, cors = services.settings, Cors(services.settings)
    app = web.Application(
        middlewares=[
            recorder(Recorder(services.registry, settings), services.drain),
            *([preflights(cors)] if cors else []),
            translator(services.drain, settings.validation_status),
            guard(services.keys, open_routes(settings)),
        ],
        client_max_size=settings.max_body_bytes or 0,
    )
    app[SERVICES] = services
    app.on_response_prepare.append(add_ignored_params)
    app.on_response_prepare.append(add_rate_headers)
    if settings.enable_server_timing:
        app.on_response_prepare.append(add_server_timing)
    if settings.enable_request_id_headers:
        app.on_response_prepare.append(add_request_id)
    if cors:
        app.on_response_prepare.append(cors.add_headers)
    app.on_response_prepare.append(_close_while_draining)
    app.cleanup_ctx.extend([watch_keys, _responses])
    declared = routes(with_docs=settings.api_docs, with_page=settings.playground)
    app.router.add_routes(web.route(r.method, r.path, r.handler) for r in declared)
    app[DESCRIPTION] = Description(declared, is_guarded=services.keys.are_needed)
    if settings.root_path:
        app.router.add_get(settings.root_path, add_slash)
    for path in unsupported.UNSUPPORTED:
        app.router.add_route("*", path, unsupported.not_supported)
    return app


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
