"""Lets requests through, or says what they lack. Knows headers and routes, not what is asked."""

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from penstock.frontend.access import TENANT
from penstock.frontend.auth.keyring import Identity
from penstock.frontend.auth.keys import Keys
from penstock.frontend.auth.scopes import METRICS, OPEN, scope_of
from penstock.frontend.browser_key import browser_key, challenge
from penstock.frontend.errors import ApiError
from penstock.protocol.settings import FrontendSettings

HOW = "send 'Authorization: Bearer KEY' or 'x-api-key: KEY'"


def open_routes(settings: FrontendSettings) -> frozenset[str]:
    """Those of probes and pages, and what leads to them."""
    root = {settings.root_path} if settings.root_path else set()
    return OPEN | root if settings.guard_metrics else OPEN | root | {METRICS}


def guard(keys: Keys, open_routes: frozenset[str]) -> Middleware:
    """Every route but the open ones; without keys, none."""

    @web.middleware
    async def check_key(request: web.Request, handler: Handler) -> web.StreamResponse:
        route = _route(request)
        if keys.are_needed and route not in open_routes:
            identity = _identify(request, keys)
            request[TENANT] = identity.tenant
            _check_scope(request, identity, route)
        return await handler(request)

    return check_key


def presented_key(request: web.Request) -> str:
    """From `Authorization: Bearer ...` (OpenAI), `x-api-key` (Anthropic) or a browser; empty when there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    return request.headers.get("x-api-key", "") or browser_key(request)


def _route(request: web.Request) -> str | None:
    """As it was declared; None where there is nothing, or not by this method."""
    resource = request.match_info.route.resource
    return None if resource is None else resource.canonical


def _identify(request: web.Request, keys: Keys) -> Identity:
    key, asks = presented_key(request), {"WWW-Authenticate": challenge(request)}
    if not key:
        raise ApiError(401, f"The request carries no API key: {HOW}.", headers=asks)
    identity = keys.ring.identify(key)
    if identity is None:
        raise ApiError(401, "The API key is not known here.", headers=asks)
    return identity


def _check_scope(request: web.Request, identity: Identity, route: str | None) -> None:
    """Any key may learn that there is nothing."""
    if route is None or scope_of(route) in identity.scopes:
        return
    raise ApiError(
        403,
        f"The key of '{identity.tenant}' lacks the scope '{scope_of(route)}', "
        f"which {request.method} {route} needs.",
    )
