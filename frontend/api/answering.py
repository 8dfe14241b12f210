"""Runs a request and sends what comes, as events or whole. Knows no shape: that is its `Chunks` or `Collector`."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Protocol

from aiohttp import web

from penstock.frontend.api.best_of import BestOf
from penstock.frontend.api.sending import Sending
from penstock.frontend.api.shapes import Collector, Tally, json_response
from penstock.frontend.api.timing import TIMING, Timing
from penstock.frontend.beams.run import search
from penstock.frontend.deadline import within
from penstock.frontend.errors import has_left, translate
from penstock.frontend.generation import Piece, generate
from penstock.frontend.metering import metered
from penstock.frontend.prompts import ValidRequest
from penstock.frontend.request_log import log_request
from penstock.frontend.services import SERVICES


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


def note(request: web.Request, valid: ValidRequest) -> None:
    """Into the log, where that is wished."""
    settings = request.app[SERVICES].settings
    if settings.enable_log_requests:
        log_request(valid, settings.max_log_len)


@contextlib.asynccontextmanager
async def serving(request: web.Request, valid: ValidRequest) -> AsyncIterator[None]:
    """While the answer is made: what was asked has been noted, and it is over in time."""
    note(request, valid)
    async with within(valid.timeout_s, valid.arrived_s):
        yield


async def answer(
    request: web.Request, valid: ValidRequest, collector: Collector, tally: Tally
) -> web.Response:
    services, timing = request.app[SERVICES], Timing(valid.arrived_s)
    if valid.best_of > valid.n:
        collector = BestOf(collector, valid, tally)
    produce = generate if valid.beams is None else search
    async with serving(request, valid), metered(request, valid, services.client) as admitted:
        whole = _Whole(collector, timing)
        await produce(admitted, services.client, services.tokenizer, whole)
    tally.record(services.registry)
    request[TIMING] = timing.whole()
    return json_response(collector.answer())


class _Whole:
    """`Taker` of an answer that is sent when it is complete."""

    def __init__(self, collector: Collector, timing: Timing) -> None:
        self._add = collector.add
        self._timing = timing

    def take(self, piece: Piece) -> bool:
        if self._timing.is_waiting:
            self._timing.first(piece.update)
        self._add(piece)
        return True

    async def ready(self) -> None:
        pass


async def stream(
    request: web.Request, valid: ValidRequest, chunks: Chunks, tally: Tally
) -> web.StreamResponse:
    """The status is sent with the first piece, so that a refusal before it keeps its own."""
    services = request.app[SERVICES]
    sending = Sending(request, chunks, Timing(valid.arrived_s))
    try:
        async with (
            serving(request, valid),
            metered(request, valid, services.client) as admitted,
            sending,
        ):
            await generate(admitted, services.client, services.tokenizer, sending)
    except (asyncio.CancelledError, Exception) as error:
        if sending.events is None or has_left(error, services.drain):
            raise
        return await sending.events.fail(translate(error, valid.name))
    tally.record(services.registry)
    assert sending.events is not None, "every answer has a last piece"
    return await sending.events.done(chunks.closing())
