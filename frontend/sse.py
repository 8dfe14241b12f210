"""Server-sent events over one response. Knows bytes and connections, not what the events say."""

import msgspec
from aiohttp import web

from penstock.frontend.errors import ApiError

DONE = b"data: [DONE]\n\n"
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
    """An open answer. Whatever happens, its client is told by `[DONE]` that it is over."""

    def __init__(self, response: web.StreamResponse) -> None:
        self._response = response
        self.send = response.write

    @classmethod
    async def open(cls, request: web.Request) -> "EventStream":
        """Sends nothing yet: the headers travel with the first event."""
        response = web.StreamResponse(headers=_HEADERS)
        await response.prepare(request)
        return cls(response)

    async def done(self, last: bytes = b"") -> web.StreamResponse:
        await self._response.write_eof(last + DONE)
        return self._response

    async def fail(self, error: ApiError) -> web.StreamResponse:
        """The status was sent long ago, so the error is an event."""
        return await self.done(event(error.body))
