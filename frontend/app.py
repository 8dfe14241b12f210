"""Puts the front end together: routes, and what every request passes through. Knows no endpoint's inside."""

from collections.abc import AsyncIterator

from aiohttp import web

from penstock.frontend.access import Recorder, add_ignored_params, add_request_id, recorder
from penstock.frontend.api import (
    chat,
    completions,
    models,
    ops,
    responses,
    responses_kept,
    tokenize,
    unsupported,
)
from penstock.frontend.api.timing import add_server_timing
from penstock.frontend.auth import guard
from penstock.frontend.auth.watching import watch_keys
from penstock.frontend.errors import translator
from penstock.frontend.http.cors import Cors, preflights
from penstock.frontend.metering import add_rate_headers
from penstock.frontend.services import SERVICES, Services


def build_app(services: Services) -> web.Application:
    """From the outside in: record, answer preflights, translate errors, check the key, answer."""
    settings, cors = services.settings, Cors(services.settings)
    app = web.Application(
        middlewares=[
            recorder(Recorder(services.registry, settings), services.drain),
            *([preflights(cors)] if cors else []),
            translator(services.drain, settings.validation_status),
            guard(services.keys, guards_metrics=settings.guard_metrics),
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
    app.router.add_routes(_routes())
    for path in unsupported.UNSUPPORTED:
        app.router.add_route("*", path, unsupported.not_supported)
    return app


def _routes() -> list[web.RouteDef]:
    return [
        web.post("/v1/chat/completions", chat.chat_completions),
        web.post("/v1/completions", completions.completions),
        web.post("/v1/responses", responses.create),
        web.post("/v1/responses/input_tokens", responses.input_tokens),
        web.get("/v1/responses/{id}", responses_kept.retrieve),
        web.delete("/v1/responses/{id}", responses_kept.delete),
        web.post("/v1/responses/{id}/cancel", responses_kept.cancel),
        web.get("/v1/responses/{id}/input_items", responses_kept.input_items),
        web.get("/v1/models", models.list_models),
        web.get("/v1/models/{model:.+}", models.get_model),
        web.post("/tokenize", tokenize.tokenize),
        web.post("/detokenize", tokenize.detokenize),
        web.get("/ping", ops.ping),
        web.post("/ping", ops.ping),
        web.get("/health", ops.healthy),
        web.get("/health/liveness", ops.ping),
        web.get("/health/readiness", ops.ready),
        web.get("/ready", ops.ready),
        web.get("/readyz", ops.ready),
        web.get("/load", ops.load),
        web.get("/version", ops.version),
        web.get("/metrics", ops.show_metrics),
    ]


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
