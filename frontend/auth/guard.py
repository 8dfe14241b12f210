"""Lets requests through, or says what they lack. Knows headers and routes, not what is asked."""

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from penstock.frontend.access import TENANT
from penstock.frontend.auth.keyring import Identity
from penstock.frontend.auth.keys import Keys
from penstock.frontend.browser_key import browser_key, challenge
from penstock.frontend.errors import ApiError
from penstock.frontend.openapi.declared import Endpoint
from penstock.frontend.reached import Endpoints

HOW = "send 'Authorization: Bearer KEY' or 'x-api-key: KEY'"


def guard(keys: Keys, endpoints: Endpoints) -> Middleware:
    """Every endpoint that needs a scope, and what is none; without keys, nothing."""

    @web.middleware
    async def check_key(request: web.Request, handler: Handler) -> web.StreamResponse:
        endpoint = endpoints.reached(request)
        if keys.are_needed and (endpoint is None or endpoint.scope):
            identity = _identify(request, keys)
            request[TENANT] = identity.tenant
            _check_scope(request, identity, endpoint)
        return await handler(request)

    return check_key


def presented_key(request: web.Request) -> str:
    """From `Authorization: Bearer ...` (OpenAI), `x-api-key` (Anthropic) or a browser; empty when there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    return request.headers.get("x-api-key", "") or browser_key(request)


def _identify(request: web.Request, keys: Keys) -> Identity:
    key, asks = presented_key(request), {"WWW-Authenticate": challenge(request)}
    if not key:
        raise ApiError(401, f"The request carries no API key: {HOW}.", headers=asks)
    identity = keys.ring.identify(key)
    if identity is None:
        raise ApiError(401, "The API key is not known here.", headers=asks)
    return identity


def _check_scope(request: web.Request, identity: Identity, endpoint: Endpoint | None) -> None:
    """Any key may learn that there is nothing."""
    if endpoint is None or endpoint.scope in identity.scopes:
        return
    raise ApiError(
        403,
        f"The key of '{identity.tenant}' lacks the scope '{endpoint.scope}', "
        f"which {request.method} {endpoint.shown_path} needs.",
    )
