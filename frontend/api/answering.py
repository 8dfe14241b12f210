"""Runs a request and sends what comes, as events or whole. Knows no shape: that is its `Chunks` or `Collector`."""

import asyncio
from contextlib import aclosing
from typing import Protocol

from aiohttp import web

from penstock.frontend.api.shapes import Tally, json_response
from penstock.frontend.errors import translate
from penstock.frontend.generation import Piece, Pieces, generate
from penstock.frontend.prompts import ValidRequest
from penstock.frontend.services import SERVICES, Services
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


class Collector(Protocol):
    """Shapes one request's answer."""

    def add(self, piece: Piece) -> None: ...

    def answer(self) -> object: ...


async def answer(
    request: web.Request, valid: ValidRequest, collector: Collector, tally: Tally
) -> web.Response:
    services = request.app[SERVICES]
    async with aclosing(_generate(valid, services)) as pieces:
        async for piece in pieces:
            collector.add(piece)
    tally.record(services.registry)
    return json_response(collector.answer())


async def stream(
    request: web.Request, valid: ValidRequest, chunks: Chunks, tally: Tally
) -> web.StreamResponse:
    """The status is sent with the first piece, so that a refusal before it keeps its own."""
    services = request.app[SERVICES]
    async with aclosing(_generate(valid, services)) as pieces:
        first = await anext(pieces)
        events = await EventStream.open(request, chunks.opening() + chunks.piece(first))
        try:
            await _send_all(pieces, chunks, events)
        except asyncio.CancelledError as error:
            if not services.drain.expired:
                raise
            return await events.fail(translate(error))
        except ConnectionError:
            raise
        except Exception as error:
            return await events.fail(translate(error))
        tally.record(services.registry)
        return await events.done(chunks.closing())


def _generate(valid: ValidRequest, services: Services) -> Pieces:
    return generate(valid, services.client, services.tokenizer)


async def _send_all(pieces: Pieces, chunks: Chunks, events: EventStream) -> None:
    async for piece in pieces:
        if chunk := chunks.piece(piece):
            events.send(chunk)
            if events.is_behind:
                await events.catch_up()
