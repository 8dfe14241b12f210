"""Puts the front end together: routes, and what every request passes through. Knows no endpoint's inside."""

from collections.abc import AsyncIterator

from aiohttp import web

from penstock.frontend.access import Recorder, add_headers, recorder
from penstock.frontend.api import (
    chat,
    completions,
    models,
    ops,
    responses,
    responses_kept,
    stats,
    tokenize,
    unsupported,
)
from penstock.frontend.auth import Keyring, guard
from penstock.frontend.errors import translator
from penstock.frontend.pages import home
from penstock.frontend.services import SERVICES, Services


def build_app(services: Services) -> web.Application:
    """From the outside in: record, translate errors, check the key, answer."""
    settings = services.settings
    app = web.Application(
        middlewares=[
            recorder(Recorder(services.registry, settings.access_log), services.drain),
            translator(services.drain),
            guard(Keyring(settings.api_key)),
        ],
        client_max_size=settings.max_body_bytes or 0,
    )
    app[SERVICES] = services
    app.on_response_prepare.append(add_headers)
    app.on_response_prepare.append(_close_while_draining)
    app.cleanup_ctx.append(_responses)
    app.router.add_routes(_routes())
    if settings.playground:
        app.router.add_routes(home.routes())
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
        web.get("/v1/stats", stats.show_stats),
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
