"""The files of a page: read once, served with the headers that keep a browser honest. Knows no page's inside."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from aiohttp import ETag, web

CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Asset(NamedTuple):
    """One file, ready to be sent."""

    body: bytes
    content_type: str
    tag: str
    """Changes with the body."""


def read_assets(folder: Path) -> dict[str, Asset]:
    """Every file of the folder whose kind is known, by its name: nothing else can be asked for."""
    return {
        path.name: _asset(path) for path in sorted(folder.iterdir()) if path.suffix in CONTENT_TYPES
    }


def _asset(path: Path) -> Asset:
    body = path.read_bytes()
    return Asset(body, CONTENT_TYPES[path.suffix], hashlib.sha256(body).hexdigest()[:20])


def send(request: web.Request, asset: Asset, headers: Mapping[str, str]) -> web.Response:
    """200, or 304 to a browser that has it: it asks each time, so that no upgrade leaves it with old parts."""
    known = request.if_none_match or ()
    is_known = any(tag.value in (asset.tag, "*") for tag in known)
    response = web.Response(
        status=304 if is_known else 200,
        body=None if is_known else asset.body,
        headers={**SECURITY_HEADERS, **headers, "Cache-Control": "no-cache"},
    )
    if not is_known:
        response.headers["Content-Type"] = asset.content_type
    response.etag = ETag(asset.tag)
    return response
