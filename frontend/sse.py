"""Server-sent events over one response. Knows bytes and connections, not what the events say."""

import asyncio

import msgspec
from aiohttp import HttpVersion11, web

from penstock.frontend.errors import ApiError

DONE = b"data: [DONE]\n\n"
KEEP_ALIVE = b": keep-alive\n\n"
"""A comment, which clients skip."""
MAX_UNSENT_BYTES = 1 << 16
CATCH_UP_S = 0.01
_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache",
    "X-Accel-Buffering": "no",  # nginx would hold chunks back
}

json = msgspec.json.Encoder().encode


def event(payload: object) -> bytes:
    """One event whose data is `payload` as JSON."""
    return b"data: " + json(payload) + b"\n\n"


class EventStream:
    """An open answer. Its client is told by `[DONE]`, or by an event of its own, that it is over.

    Events go straight to the transport, framed as HTTP's chunks: through StreamResponse.write each costs
    two coroutines more. Whoever sends awaits `catch_up` where `is_behind`.
    """

    def __init__(self, response: web.StreamResponse, transport: asyncio.Transport) -> None:
        self._response = response
        self._transport = transport
        self.send = self._send_chunk if response.chunked else transport.write

    @classmethod
    async def open(cls, request: web.Request, first: bytes) -> "EventStream":
        """The headers travel with the first event."""
        response = web.StreamResponse(headers=_HEADERS)
        if request.version >= HttpVersion11:
            response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(first)
        if request.transport is None:
            raise ConnectionResetError("the client left")
        return cls(response, request.transport)

    @property
    def is_behind(self) -> bool:
        """Whether the client reads so slowly that what it has not read piles up here."""
        return self._transport.get_write_buffer_size() > MAX_UNSENT_BYTES

    async def catch_up(self) -> None:
        """Meanwhile tokens merge in their mailbox. Cancelled when the client leaves."""
        while self.is_behind:  # noqa: ASYNC110 - a transport tells its protocol alone
            await asyncio.sleep(CATCH_UP_S)

    async def done(self, last: bytes = b"") -> web.StreamResponse:
        return await self.end(last + DONE)

    async def end(self, last: bytes = b"") -> web.StreamResponse:
        """Without a word, for events that say themselves that they are the last."""
        await self._response.write_eof(last)
        return self._response

    async def fail(self, error: ApiError) -> web.StreamResponse:
        """The status was sent long ago, so the error is an event."""
        return await self.done(event(error.body))

    def _send_chunk(self, data: bytes) -> None:
        self._transport.write(b"%x\r\n%b\r\n" % (len(data), data))
