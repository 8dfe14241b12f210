"""One client's connection: how long a request may take to arrive, and the answer to what is none. Knows no endpoint.

    connected .. first byte ....... headers complete ....... body complete .... answered ..
               '-- header_timeout_s --'---- body_timeout_s ----'                '-- keep_alive_s --> closed

aiohttp keeps the last of these times; the others are kept here. Nothing is looked at while a request is answered.
"""

import asyncio
import logging
from typing import Any, NamedTuple, Self

import msgspec
from aiohttp import StreamReader, http_exceptions, web

from penstock.frontend.errors import ApiError, bad_request, response
from penstock.frontend.http.errors import LateBodyError
from penstock.protocol.settings import FrontendSettings

log = logging.getLogger("penstock.access")

LEAST_BYTES_PER_S = 4096
"""A body that comes slower than this is late, however long it is."""


class Limits(NamedTuple):
    """What a connection may cost."""

    keep_alive_s: float
    header_timeout_s: float
    body_timeout_s: float
    max_header_bytes: int
    max_header_count: int

    @classmethod
    def of(cls, settings: FrontendSettings) -> Self:
        return cls(*(getattr(settings, name) for name in cls._fields))

    @property
    def for_aiohttp(self) -> dict[str, Any]:
        return {
            "access_log": None,
            "auto_decompress": False,  # see api/packed_body.py
            "keepalive_timeout": self.keep_alive_s,
            "max_line_size": self.max_header_bytes,
            "max_field_size": self.max_header_bytes,
            "max_headers": self.max_header_count,
        }


class Connection(web.RequestHandler):
    """aiohttp's connection, with deadlines for what clients send and OpenAI error objects for what it refuses."""

    __slots__ = ("_answering", "_due", "_has_begun", "_limits", "_payload", "_timers")

    def __init__(self, server: web.Server, limits: Limits, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(server, loop=loop, **limits.for_aiohttp)
        self._limits = limits
        self._timers = loop
        self._due: asyncio.TimerHandle | None = None
        self._answering = False
        self._has_begun = False
        """Whether a part of the next request's headers is here."""
        self._payload: StreamReader | None = None
        """The last request's body."""

    # ---- what comes in

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._expect_headers()

    def data_received(self, data: bytes) -> None:
        if not (self._answering or self._has_begun) and self._body_is_here:
            self._has_begun = True
            self.keep_alive(True)  # no longer idle: that time is over
            if self._due is None:
                self._expect_headers()
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._rest()
        super().connection_lost(exc)

    # ---- a request

    def headers_came(self, payload: StreamReader) -> None:
        """Its answer begins; the body may still be on its way."""
        self._rest()
        self._answering, self._has_begun, self._payload = True, False, payload
        if not payload.is_eof():
            now = self._timers.time()
            self._due = self._timers.call_later(
                self._limits.body_timeout_s, self._look_at_body, payload, now
            )

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            self._answering = False
            self._rest()

    @property
    def _body_is_here(self) -> bool:
        return self._payload is None or self._payload.is_eof()

    # ---- deadlines

    def _expect_headers(self) -> None:
        self._due = self._timers.call_later(self._limits.header_timeout_s, self._headers_are_late)

    def _rest(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _headers_are_late(self) -> None:
        self._due = None
        if self._has_begun and self.transport is not None:
            limit_s = self._limits.header_timeout_s
            error = ApiError(408, f"The request's headers took longer than {limit_s:g} s.")
            self._log(error)
            self.transport.write(_raw(error))
        self.force_close()

    def _look_at_body(self, payload: StreamReader, since_s: float) -> None:
        self._due = None
        if payload.is_eof() or payload.exception() is not None:
            return
        granted_s = self._limits.body_timeout_s + payload.total_bytes / LEAST_BYTES_PER_S
        left_s = since_s + granted_s - self._timers.time()
        if left_s <= 0:
            payload.set_exception(LateBodyError())
        else:
            self._due = self._timers.call_later(left_s, self._look_at_body, payload, since_s)

    # ---- what is no request

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """For what the parser refuses: of requests that are, the application answers for failures itself."""
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun; another cannot follow")
        error = self._refusal(exc, message or "")
        self._log(error)
        refused = response(error)
        refused.headers["Connection"] = "close"
        refused.force_close()
        return refused

    def _refusal(self, reason: BaseException | None, message: str) -> ApiError:
        limits = self._limits
        if isinstance(reason, http_exceptions.LineTooLong):
            what = "The request line or a header"
            return ApiError(431, f"{what} is longer than {limits.max_header_bytes} bytes.")
        if message.startswith("Too many headers"):
            return ApiError(431, f"The request has more than {limits.max_header_count} headers.")
        first_line = message.partition("\n")[0].strip(" :")
        return bad_request(f"This is no HTTP request: {first_line or 'it cannot be read'}.")

    def _log(self, error: ApiError) -> None:
        peer = self.peername
        log.info("%s sent no request: %d %s", peer[0] if peer else "-", error.status, error)


def _raw(error: ApiError) -> bytes:
    """The answer to a request that did not come to be one."""
    body = msgspec.json.encode(error.body)
    head = (
        f"HTTP/1.1 {error.status} Request Timeout\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
