"""The files that the pages are made of, as they lie in the package. Knows names and bytes, not pages.

What comes from npm is kept as gzip: `tools/vendor_docs.py` puts it there, and `assets/vendored.json` says what it is.
"""

import gzip
import hashlib
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
    plain, packed = FOLDER / name, FOLDER / f"{name}.gz"
    is_packed = packed.exists()
    data = (packed if is_packed else plain).read_bytes()
    etag = hashlib.sha256(data).hexdigest()[:24]
    if is_packed and not accepts_gzip:
        return Asset(gzip.decompress(data), False, kind, f"{etag}-plain")
    return Asset(data, is_packed, kind, etag)
