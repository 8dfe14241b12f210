"""Takes a proxy's prefix from the paths of requests. Knows paths, not what lies behind them."""

from collections.abc import Callable
from typing import Any

from aiohttp import web
from yarl import URL

MakeRequest = Callable[..., Any]


def unprefixed(path: str, prefix: str) -> str:
    """`path` as it is without `prefix`, if it has it: '/x/v1/models?a=1' is '/v1/models?a=1' behind '/x'.

    The prefix alone stays: a page there would take its relative addresses for its neighbours'; see `add_slash`.
    """
    rest = path.removeprefix(prefix)
    return rest if rest.startswith("/") else path


def without(prefix: str, make: MakeRequest) -> MakeRequest:
    """aiohttp's factory of requests, for those with the prefix and those without."""

    def make_request(message: Any, *arguments: Any) -> Any:
        path = unprefixed(message.path, prefix)
        if path != message.path:
            raw, _, query = path.partition("?")
            url = URL.build(path=raw, query_string=query, encoded=True)
            message = message._replace(path=path, url=url)
        return make(message, *arguments)

    return make_request


async def add_slash(request: web.Request) -> web.Response:
    """From the prefix alone to the page behind it; relative, since the proxy may have prefixes of its own."""
    last = request.path.rpartition("/")[2]
    return web.Response(status=308, headers={"Location": f"{last}/"})
