"""/openapi.json, and the pages that show it: /docs, /redoc. Knows pages and headers, no endpoint.

Every address in a page is relative, so that they hold behind any prefix.
"""

import asyncio
import functools
import secrets
from collections.abc import Sequence
from pathlib import Path

import msgspec
from aiohttp import web

from penstock import __version__
from penstock.frontend.openapi.declared import Route
from penstock.frontend.openapi.document import document
from penstock.frontend.pages.assets import SECURITY_HEADERS, read_assets, send_named

FOLDER = Path(__file__).with_name("docs")
"""What comes from npm lies there as gzip: `tools/vendor_docs.py` puts it there, and `vendored.json` says what it is."""

_POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
)
_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Penstock API</title>
<link rel="icon" href="data:,">
"""
_SWAGGER = f"""{_HEAD}<link rel="stylesheet" href="docs/assets/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/assets/swagger-ui-bundle.js"></script>
<script src="docs/assets/swagger-start.js"></script>
</body>
</html>
"""
_REDOC = f"""{_HEAD}<style nonce="%(nonce)s">body {{ margin: 0; }}</style>
</head>
<body>
<div id="redoc" data-nonce="%(nonce)s"></div>
<script src="docs/assets/redoc-prepare.js"></script>
<script src="docs/assets/redoc.standalone.js"></script>
<script src="docs/assets/redoc-start.js"></script>
</body>
</html>
"""
_REDIRECT = f"""{_HEAD}</head>
<body>
<script src="assets/oauth2-redirect.js"></script>
</body>
</html>
"""


class Description:
    """/openapi.json of one server: made when first asked for, which takes some milliseconds."""

    def __init__(self, routes: Sequence[Route], *, is_guarded: bool) -> None:
        self._routes, self._is_guarded = routes, is_guarded

    @functools.cached_property
    def json(self) -> bytes:
        return msgspec.json.encode(document(self._routes, __version__, is_guarded=self._is_guarded))


DESCRIPTION = web.AppKey("description", Description)


async def openapi_json(request: web.Request) -> web.Response:
    description = request.app[DESCRIPTION]
    body = await asyncio.to_thread(lambda: description.json)
    return web.Response(body=body, content_type="application/json")


async def swagger(request: web.Request) -> web.Response:
    return _page(_SWAGGER, "style-src 'self'")


async def redoc(request: web.Request) -> web.Response:
    """It writes its style sheets itself, and marks them with what only this page knows."""
    nonce = secrets.token_urlsafe(16)
    return _page(_REDOC % {"nonce": nonce}, f"style-src 'nonce-{nonce}'; worker-src blob:")


async def oauth2_redirect(request: web.Request) -> web.Response:
    return _page(_REDIRECT, "style-src 'none'")


class Parts:
    """What the pages are made of, read once."""

    def __init__(self) -> None:
        self._files = read_assets(FOLDER)

    async def part(self, request: web.Request) -> web.Response:
        return send_named(request, self._files, {})


def _page(html: str, styles: str) -> web.Response:
    headers = {**SECURITY_HEADERS, "Content-Security-Policy": _POLICY + styles}
    return web.Response(text=html, content_type="text/html", headers=headers)
