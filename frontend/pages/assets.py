"""Files that browsers load, as they lie in the package: read once, sent with what keeps a browser honest.

Knows no page's inside. A file may lie there as gzip, under `name.gz`: it is sent as it is, or unpacked to who cannot
read that.
"""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from aiohttp import ETag, web

from penstock.frontend.errors import ApiError

CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass(frozen=True)
class Asset:
    """One file, ready to be sent."""

    body: bytes
    content_type: str
    tag: str
    """Changes with the body."""
    is_packed: bool = False

    @cached_property
    def unpacked(self) -> "Asset":
        return Asset(gzip.decompress(self.body), self.content_type, f"{self.tag}-plain")

    def for_client(self, request: web.Request) -> "Asset":
        """As it can be read there."""
        reads_gzip = "gzip" in request.headers.get("Accept-Encoding", "")
        return self.unpacked if self.is_packed and not reads_gzip else self


def read_assets(folder: Path) -> dict[str, Asset]:
    """Every file of the folder whose kind is known, by its name unpacked: nothing else can be asked for."""
    names = {path: path.name.removesuffix(".gz") for path in sorted(folder.iterdir())}
    return {
        name: _asset(path, CONTENT_TYPES[Path(name).suffix])
        for path, name in names.items()
        if Path(name).suffix in CONTENT_TYPES
    }


def _asset(path: Path, content_type: str) -> Asset:
    body = path.read_bytes()
    tag = hashlib.sha256(body).hexdigest()[:20]
    return Asset(body, content_type, tag, is_packed=path.suffix == ".gz")


def send_named(
    request: web.Request, assets: Mapping[str, Asset], headers: Mapping[str, str]
) -> web.Response:
    """The one whose `name` is in the path. Raises ApiError 404."""
    name = request.match_info["name"]
    if name not in assets:
        raise ApiError(404, f"There is no file '{name[:80]}' here.", "name")
    return send(request, assets[name], headers)


def send(request: web.Request, asset: Asset, headers: Mapping[str, str]) -> web.Response:
    """200, or 304 to a browser that has it: it asks each time, so that no upgrade leaves it with old parts."""
    sent = asset.for_client(request)
    known = request.if_none_match or ()
    is_known = any(tag.value in (sent.tag, "*") for tag in known)
    response = web.Response(
        status=304 if is_known else 200,
        body=None if is_known else sent.body,
        headers={**SECURITY_HEADERS, **headers, "Cache-Control": "no-cache"},
    )
    response.etag = ETag(sent.tag)
    if asset.is_packed:
        response.headers["Vary"] = "Accept-Encoding"
    if not is_known:
        response.headers["Content-Type"] = sent.content_type
    if sent.is_packed and not is_known:
        response.headers["Content-Encoding"] = "gzip"
    return response
