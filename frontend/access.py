"""Every request's name, log line and HTTP numbers. Knows no endpoint and no body."""

import logging
import re
import secrets
import time

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from penstock.frontend.drain import Drain
from penstock.frontend.reached import Endpoints
from penstock.protocol import logs
from penstock.protocol.metrics import Registry
from penstock.protocol.settings import FrontendSettings

log = logging.getLogger("penstock.access")

REQUEST_ID = web.RequestKey("request_id", str)
TENANT = web.RequestKey("tenant", str)
"""Whose key it came with. Where no keys are needed, it is not there."""
IGNORED_PARAMS = web.RequestKey("ignored_params", str)
MAX_ID_CHARS = 128
CLIENT_LEFT = 499
"""The status in the log of a request whose client did not wait for the answer."""

_NAME = re.compile(rf"[!#-&(-;=?-\[\]-~]{{1,{MAX_ID_CHARS}}}")


def is_name(text: str) -> bool:
    """Whether `text` may stand in logs, headers and ids: visible ASCII, without what quotes or marks up."""
    return _NAME.fullmatch(text) is not None


def request_name(request: web.Request, in_body: str | None = None) -> str:
    """The X-Request-Id header's, else the body's, else a fresh one. The answer carries it."""
    given = request.headers.get("X-Request-Id", "")
    name = given if is_name(given) else in_body or request.get(REQUEST_ID) or secrets.token_hex(16)
    request[REQUEST_ID] = name
    return name


async def add_request_id(request: web.Request, response: web.StreamResponse) -> None:
    """An `on_response_prepare` signal: reaches streams and errors too."""
    if REQUEST_ID in request:
        response.headers["X-Request-Id"] = request[REQUEST_ID]


async def add_ignored_params(request: web.Request, response: web.StreamResponse) -> None:
    """As `add_request_id`."""
    if request.get(IGNORED_PARAMS):
        response.headers["X-Ignored-Params"] = request[IGNORED_PARAMS]


class Recorder:
    """Counts finished requests, and logs one line for each unless told not to."""

    def __init__(
        self, registry: Registry, settings: FrontendSettings, endpoints: Endpoints
    ) -> None:
        self._registry, self._endpoints = registry, endpoints
        self._logs = settings.access_log
        self._quiet_paths = frozenset(settings.disable_access_log_for_endpoints)

    def record(
        self, request: web.Request, status: int, num_bytes: int | None, seconds: float
    ) -> None:
        endpoint = self._endpoints.reached(request)
        if endpoint is not None and endpoint.is_probe:
            return
        self._measure(request, status, num_bytes, seconds)
        if self._logs and request.path not in self._quiet_paths:
            _log(request, status, seconds)

    def _measure(
        self, request: web.Request, status: int, num_bytes: int | None, seconds: float
    ) -> None:
        route, method = _handler_label(request), request.method
        registry = self._registry
        registry.inc(
            "http_requests_total", handler=route, method=method, status=f"{status // 100}xx"
        )
        registry.observe("http_request_duration_seconds", seconds, handler=route, method=method)
        registry.observe("http_request_duration_highr_seconds", seconds)
        registry.observe("http_request_size_bytes", request.content_length or 0, handler=route)
        registry.observe("http_response_size_bytes", num_bytes or 0, handler=route)


def _log(request: web.Request, status: int, seconds: float) -> None:
    """Of the address the path alone: what follows it may be a secret."""
    client, path, name = request.remote or "-", request.rel_url.raw_path, request.get(REQUEST_ID)
    holder = request.get(TENANT)
    log.info(
        "%s %s %s %d %.1f ms %s%s",
        *(client, request.method, path, status, seconds * 1000, name or "-"),
        f" {holder}" if holder else "",
        extra=logs.fields(
            request_id=name,
            client=client,
            holder=holder,
            method=request.method,
            path=path,
            status=status,
            duration_ms=round(seconds * 1000, 1),
        ),
    )


def _handler_label(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "none"


def recorder(record: Recorder, drain: Drain) -> Middleware:
    """The outermost layer: names, holds and records each request."""

    @web.middleware
    async def record_request(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = time.perf_counter()
        status, num_bytes = CLIENT_LEFT, None
        request_name(request)
        try:
            with drain.hold():
                response = await handler(request)
            status, num_bytes = response.status, response.content_length
            return response
        finally:
            record.record(request, status, num_bytes, time.perf_counter() - started)

    return record_request
