"""GET / and the files it loads: the playground and the live board. Knows their headers, not their inside.

The page is open to all and has no rights of its own: it asks its user for a key, and uses the API as anyone would.
"""

from pathlib import Path

from aiohttp import web

from penstock.frontend.pages.assets import read_assets, send, send_named

FOLDER = Path(__file__).with_name("playground")
PREFIX = "/playground/"
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
"""What the model says must never run: no script from elsewhere or inline, no HTML made from text."""
HEADERS = {"Content-Security-Policy": POLICY}


class Page:
    """Reads its files once; a file that is not among them is not there."""

    def __init__(self) -> None:
        self._files = read_assets(FOLDER)
        self._index = self._files.pop("index.html")

    async def index(self, request: web.Request) -> web.Response:
        return send(request, self._index, HEADERS)

    async def part(self, request: web.Request) -> web.Response:
        return send_named(request, self._files, HEADERS)
