"""Which of the declared endpoints a request reached. Knows routing, no endpoint of ours and no rule about any."""

from collections.abc import Iterable

from aiohttp import web

from penstock.frontend.openapi.declared import Endpoint


class Endpoints:
    """All that a server has: what is routed has been declared."""

    def __init__(self) -> None:
        self._declared: dict[web.AbstractRoute, Endpoint] = {}

    def add(self, router: web.UrlDispatcher, endpoints: Iterable[Endpoint]) -> None:
        for each in endpoints:
            for method in ("GET", "HEAD") if each.method == "GET" else (each.method,):
                self._declared[router.add_route(method, each.path, each.handler)] = each

    def reached(self, request: web.Request) -> Endpoint | None:
        """None where there is nothing, or not by this method."""
        return self._declared.get(request.match_info.route)
