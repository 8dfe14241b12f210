"""A key from a browser: it asks its user for a password, and that is the key. Knows headers, not which keys there are.

For looking only. What a browser sends by itself it also sends on behalf of any other site, so nothing is
changed or generated on its word; scripts of our pages send a key as every client does.
"""

import base64
import binascii

from aiohttp import web

_LOOKING = frozenset(("GET", "HEAD"))
_ASK = 'Basic realm="Penstock: any name, and an API key as the password", charset="UTF-8"'


def browser_key(request: web.Request) -> str:
    """The password of `Authorization: Basic`; empty where there is none."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic" or request.method not in _LOOKING:
        return ""
    try:
        pair = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return pair.partition(":")[2]


def challenge(request: web.Request) -> str:
    """For WWW-Authenticate: whoever wants a page is asked by his browser."""
    wants_page = "text/html" in request.headers.get("Accept", "")
    return _ASK if wants_page and request.method in _LOOKING else "Bearer"
