"""Web pages of other origins: which may ask, and what their browsers are told. Knows no endpoint and no key.

A browser asks first (a preflight) whether a page may send what it wants to send, without the page's key: so
preflights are answered before keys are looked at.
"""

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from penstock.frontend.errors import ApiError, response
from penstock.protocol.settings import FrontendSettings

MAX_AGE_S = 600
"""How long a browser need not ask again."""
_METHODS = ("GET", "POST", "DELETE", "HEAD", "PUT", "PATCH", "OPTIONS")
_LIMITS = [
    f"x-ratelimit-{what}-{of}"
    for what in ("limit", "remaining", "reset")
    for of in ("requests", "tokens")
]
_EXPOSED = ", ".join(["X-Request-Id", "X-Ignored-Params", "Retry-After", "Server-Timing", *_LIMITS])
"""What a page may read of an answer besides its body."""


class Cors:
    """The rules of one front end. Without allowed origins nothing is said, and browsers refuse."""

    def __init__(self, settings: FrontendSettings) -> None:
        self._origins = frozenset(settings.allowed_origins)
        self._methods = _METHODS if "*" in settings.allowed_methods else settings.allowed_methods
        self._headers = settings.allowed_headers
        self._with_credentials = settings.allow_credentials

    def __bool__(self) -> bool:
        return bool(self._origins)

    def allows(self, origin: str) -> bool:
        return "*" in self._origins or origin in self._origins

    @property
    def _names_origin(self) -> bool:
        """With credentials no browser takes '*' for an answer."""
        return "*" not in self._origins or self._with_credentials

    def preflight(self, request: web.Request) -> web.Response:
        """The answer to a browser that asks what a page may send."""
        origin = request.headers["Origin"]
        if not self.allows(origin):
            return response(
                ApiError(403, f"Pages of {origin[:200]} may not ask (--allowed-origins).")
            )
        wanted = request.headers.get("Access-Control-Request-Headers", "")
        headers = wanted if "*" in self._headers else ", ".join(self._headers)
        return web.Response(
            status=204,
            headers={
                "Access-Control-Allow-Methods": ", ".join(self._methods),
                "Access-Control-Allow-Headers": headers,
                "Access-Control-Max-Age": str(MAX_AGE_S),
            },
        )

    async def add_headers(self, request: web.Request, answer: web.StreamResponse) -> None:
        """An `on_response_prepare` signal: reaches streams and errors too."""
        headers = answer.headers
        if self._names_origin:
            headers["Vary"] = "Origin"
        origin = request.headers.get("Origin")
        if origin is None or not self.allows(origin):
            return
        headers["Access-Control-Allow-Origin"] = origin if self._names_origin else "*"
        headers["Access-Control-Expose-Headers"] = _EXPOSED
        if self._with_credentials:
            headers["Access-Control-Allow-Credentials"] = "true"


def is_preflight(request: web.Request) -> bool:
    headers = request.headers
    return (
        request.method == "OPTIONS"
        and "Origin" in headers
        and "Access-Control-Request-Method" in headers
    )


def preflights(cors: Cors) -> Middleware:
    """Answers them itself, whatever path they are for."""

    @web.middleware
    async def answer_preflight(request: web.Request, handler: Handler) -> web.StreamResponse:
        return cors.preflight(request) if is_preflight(request) else await handler(request)

    return answer_preflight
