"""Runs a request and sends what comes, as events or whole. Knows no shape: that is its `Chunks` or `Collector`."""

import asyncio
from typing import Protocol

from aiohttp import web

from penstock.frontend.api.best_of import BestOf
from penstock.frontend.api.shapes import Collector, Tally, json_response
from penstock.frontend.beams.run import search
from penstock.frontend.errors import translate
from penstock.frontend.generation import Piece, generate
from penstock.frontend.metering import metered
from penstock.frontend.prompts import ValidRequest
from penstock.frontend.services import SERVICES
from penstock.frontend.sse import EventStream


class Chunks(Protocol):
    """Shapes one request's events."""

    def opening(self) -> bytes:
        """Before everything else."""
        ...

    def piece(self, piece: Piece) -> bytes:
        """Empty when there is nothing to tell yet."""
        ...

    def closing(self) -> bytes:
        """After the last piece."""
        ...


async def answer(
    request: web.Request, valid: ValidRequest, collector: Collector, tally: Tally
) -> web.Response:
    services = request.app[SERVICES]
    if valid.best_of > valid.n:
        collector = BestOf(collector, valid, tally)
    produce = generate if valid.beams is None else search
    async with metered(request, valid, services.client) as admitted:
        await produce(admitted, services.client, services.tokenizer, _Whole(collector))
    tally.record(services.registry)
    return json_response(collector.answer())


class _Whole:
    """`Taker` of an answer that is sent when it is complete."""

    def __init__(self, collector: Collector) -> None:
        self._add = collector.add

    def take(self, piece: Piece) -> bool:
        self._add(piece)
        return True

    async def ready(self) -> None:
        pass


async def stream(
    request: web.Request, valid: ValidRequest, chunks: Chunks, tally: Tally
) -> web.StreamResponse:
    """The status is sent with the first piece, so that a refusal before it keeps its own."""
    services = request.app[SERVICES]
    sending = Sending(request, chunks)
    try:
        async with metered(request, valid, services.client) as admitted:
            await generate(admitted, services.client, services.tokenizer, sending)
    except asyncio.CancelledError as error:
        if sending.events is None or not services.drain.expired:
            raise
        return await sending.events.fail(translate(error))
    except Exception as error:
        if sending.events is None or isinstance(error, ConnectionError):
            raise
        return await sending.events.fail(translate(error))
    tally.record(services.registry)
    assert sending.events is not None, "every answer has a last piece"
    return await sending.events.done(chunks.closing())


class Sending:
    """`Taker` that sends each piece at once; the first opens the answer, and others wait for that."""

    def __init__(self, request: web.Request, chunks: Chunks) -> None:
        self.events: EventStream | None = None
        self._request, self._chunks = request, chunks
        self._early = [chunks.opening()]
        self._opening = asyncio.Lock()

    def take(self, piece: Piece) -> bool:
        chunk = self._chunks.piece(piece)
        if self.events is None:
            self._early.append(chunk)
            return False
        if chunk:
            self.events.send(chunk)
        return not self.events.is_behind

    async def ready(self) -> None:
        async with self._opening:
            if self.events is None:
                self.events = await self._open()
        if self.events.is_behind:
            await self.events.catch_up()

    async def _open(self) -> EventStream:
        first, self._early = b"".join(self._early), []
        events = await EventStream.open(self._request, first)
        if said_meanwhile := b"".join(self._early):
            events.send(said_meanwhile)
        return events
