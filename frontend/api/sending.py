"""Sends an answer piece by piece: when its status goes out, and what fills a silence. Knows no shape."""

import asyncio
from typing import Protocol, Self

from aiohttp import web

from penstock.frontend.api.timing import TIMING, Timing
from penstock.frontend.generation import Piece
from penstock.frontend.keep_alive import KeepAlive
from penstock.frontend.services import SERVICES
from penstock.frontend.sse import KEEP_ALIVE, EventStream


class Spoken(Protocol):
    """What `Sending` needs of an answer's shape."""

    def opening(self) -> bytes: ...

    def piece(self, piece: Piece) -> bytes: ...


class Sending:
    """`Taker` that sends each piece at once; the first opens the answer, and others wait for that.

    A context manager. Within it a silence is filled, which opens the answer before its first piece: from then on
    a failure can be told by an event alone. `events` is None as long as the status is not sent.
    """

    def __init__(self, request: web.Request, chunks: Spoken, timing: Timing) -> None:
        self.events: EventStream | None = None
        self._request, self._chunks, self._timing = request, chunks, timing
        self._early: list[bytes] | None = [chunks.opening()]
        """What is said before pieces go straight out."""
        self._opening = asyncio.Lock()
        self._filling: asyncio.Task[None] | None = None
        interval_s = request.app[SERVICES].settings.sse_keep_alive_interval
        self._keep_alive = KeepAlive(interval_s, self._fill)

    async def __aenter__(self) -> Self:
        self._keep_alive.__enter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._keep_alive.__exit__()
        if self._filling is not None:
            await asyncio.gather(self._filling, return_exceptions=True)

    def take(self, piece: Piece) -> bool:
        chunk = self._chunks.piece(piece)
        if self._early is not None:
            if self._timing.is_waiting:
                self._timing.first(piece.update)
            self._early.append(chunk)
            return False
        assert self.events is not None
        if chunk:
            self.events.send(chunk)
            self._keep_alive.is_silent = False
        return not self.events.is_behind

    async def ready(self) -> None:
        async with self._opening:
            if self._early is not None:
                await self._go_straight(b"".join(self._early))
        assert self.events is not None
        if self.events.is_behind:
            await self.events.catch_up()

    def unsaid(self) -> bytes:
        """What has to come before the answer's end when it ends before its first piece is out."""
        return b"".join(self._early or ())

    async def _go_straight(self, first: bytes) -> None:
        self._early, events = [], self.events
        if events is None:
            self._request[TIMING] = self._timing.opening()
            events = await EventStream.open(self._request, first)
        else:
            events.send(first)
        said_meanwhile = b"".join(self._early)
        self.events, self._early = events, None
        if said_meanwhile:
            events.send(said_meanwhile)

    # ---- silence

    def _fill(self) -> None:
        if self.events is None:
            self._filling = asyncio.create_task(self._open_silent())
        elif not self.events.is_behind:
            self.events.send(KEEP_ALIVE)

    async def _open_silent(self) -> None:
        async with self._opening:
            if self.events is None:
                self.events = await EventStream.open(self._request, KEEP_ALIVE)
