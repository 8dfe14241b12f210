"""Who may ask. Knows keys and paths, not what is asked."""

import hashlib
import hmac
from collections.abc import Sequence

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from penstock.frontend.browser_key import browser_key, challenge
from penstock.frontend.errors import ApiError

OPEN_PATHS = frozenset({"/", "/ping", "/version", "/metrics"})
OPEN_PREFIXES = ("/health", "/ready", "/playground/")
TENANT = web.RequestKey("tenant", str)
"""Stands for the caller's key towards the engine, without giving the key away."""


class Keyring:
    """Compares a key with every known one, in time that depends on neither."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._digests = [_digest(key) for key in keys if key]

    def __bool__(self) -> bool:
        return bool(self._digests)

    def tenant(self, key: str) -> str | None:
        """A short name for the holder of `key`, or None when it is not known."""
        digest = _digest(key)
        matches = [hmac.compare_digest(digest, known) for known in self._digests]
        return digest.hex()[:12] if any(matches) else None


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def presented_key(request: web.Request) -> str:
    """From `Authorization: Bearer ...` (OpenAI), `x-api-key` (Anthropic) or a browser; empty when there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    return request.headers.get("x-api-key", "") or browser_key(request)


def is_open(path: str) -> bool:
    return path in OPEN_PATHS or path.startswith(OPEN_PREFIXES)


def guard(keyring: Keyring) -> Middleware:
    """Lets through what is open to all and what carries a key; without keys, everything."""

    @web.middleware
    async def check_key(request: web.Request, handler: Handler) -> web.StreamResponse:
        if keyring and not is_open(request.path):
            tenant = keyring.tenant(presented_key(request))
            if tenant is None:
                raise ApiError(
                    401, "Unauthorized", headers={"WWW-Authenticate": challenge(request)}
                )
            request[TENANT] = tenant
        return await handler(request)

    return check_key
