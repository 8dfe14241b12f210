"""The files that the pages are made of, as they lie in the package. Knows names and bytes, not pages.

What comes from npm is kept as gzip: `tools/vendor_docs.py` puts it there, and `assets/vendored.json` says what it is.
"""

import gzip
import hashlib
from functools import cache
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).with_name("assets")
_KINDS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-start.js": "text/javascript",
    "oauth2-redirect.js": "text/javascript",
    "redoc.standalone.js": "text/javascript",
    "redoc-start.js": "text/javascript",
    "licenses.txt": "text/plain",
}
"""All that are served, and as what."""


class Asset(NamedTuple):
    data: bytes
    is_gzip: bool
    kind: str
    etag: str


def read(name: str, accepts_gzip: bool) -> Asset | None:
    """None for a name that is not one of them."""
    kind = _KINDS.get(name)
    if kind is None:
        return None
    return _packed(name, kind) if accepts_gzip else _plain(name, kind)


@cache
def _packed(name: str, kind: str) -> Asset:
    """As it lies there: what is ours is not packed."""
    plain, packed = FOLDER / name, FOLDER / f"{name}.gz"
    is_packed = packed.exists()
    data = (packed if is_packed else plain).read_bytes()
    return Asset(data, is_packed, kind, hashlib.sha256(data).hexdigest()[:24])


@cache
def _plain(name: str, kind: str) -> Asset:
    found = _packed(name, kind)
    if not found.is_gzip:
        return found
    return Asset(gzip.decompress(found.data), False, kind, f"{found.etag}-plain")
