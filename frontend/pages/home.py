"""GET / and the files it loads: the playground and the live board. Knows their headers, not their inside.

The page is open to all and has no rights of its own: it asks its user for a key, and uses the API as anyone would.
"""

from pathlib import Path

from aiohttp import web

from penstock.frontend.pages.assets import read_assets, send

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


def routes() -> list[web.RouteDef]:
    """Reads the files."""
    files = read_assets(FOLDER)
    index = files.pop("index.html")

    async def home(request: web.Request) -> web.Response:
        return send(request, index, HEADERS)

    async def part(request: web.Request) -> web.Response:
        asset = files.get(request.match_info["name"])
        if asset is None:
            raise web.HTTPNotFound
        return send(request, asset, HEADERS)

    return [web.get("/", home), web.get(PREFIX + "{name}", part)]
