"""POST /v1/responses: whole, streamed, or in the background. Knows the order of the steps, not their rules."""

import asyncio
import logging
import time
from typing import Any

from aiohttp import web
from msgspec.structs import replace

from penstock.frontend.api.answering import note, serving
from penstock.frontend.api.body import BodyReader
from penstock.frontend.api.responses_asked import Asked, understand
from penstock.frontend.api.responses_tail import follow
from penstock.frontend.api.sending import Sending
from penstock.frontend.api.shapes import json_response
from penstock.frontend.api.timing import TIMING, Timing
from penstock.frontend.engine.mailbox import Update
from penstock.frontend.errors import ApiError, bad_request, translate
from penstock.frontend.generation import Piece, generate
from penstock.frontend.metering import metered, reserve, wish
from penstock.frontend.responses.request import ResponsesRequest, checked
from penstock.frontend.responses.shapes import InputTokens, Response
from penstock.frontend.responses.store import Record
from penstock.frontend.responses.writer import Frame, ResponseWriter
from penstock.frontend.services import SERVICES, Services
from penstock.frontend.sse import json

log = logging.getLogger("penstock.responses")

READER = BodyReader(ResponsesRequest)


async def create(request: web.Request) -> web.StreamResponse:
    services = request.app[SERVICES]
    body = checked(await READER.read(request))
    if services.store is None:
        body = _unkept(body)
    asked = await understand(request, body, services)
    if body.is_background:
        return await _begin(request, asked, services, is_streamed=bool(body.stream))
    answer = _stream if body.stream else _answer
    return await answer(request, asked, services)


async def input_tokens(request: web.Request) -> web.Response:
    """How many tokens the prompt would have."""
    body = checked(await READER.read(request))
    asked = await understand(request, body, request.app[SERVICES])
    return json_response(InputTokens(input_tokens=len(asked.job.valid.prompts[0].ids)))


def _unkept(body: ResponsesRequest) -> ResponsesRequest:
    if body.is_background:
        raise bad_request("background needs a store, and --responses-store is none.", "background")
    return replace(body, store=False)


async def _begin(
    request: web.Request, asked: Asked, services: Services, *, is_streamed: bool
) -> web.StreamResponse:
    """Nobody waits for it, so it has no deadline."""
    assert services.background is not None
    response, valid, client = asked.job.response, asked.job.valid, services.client
    note(request, valid)
    job = replace(asked.job, valid=replace(valid, deadline_s=0.0, timeout_s=0.0))
    reservation = await reserve(request, wish(valid), client)
    try:
        await services.background.begin(_record(asked, response), job, reservation)
    except BaseException:
        if reservation:
            client.settle(reservation)
        raise
    return await follow(request, response.id, -1) if is_streamed else json_response(response)


async def _answer(request: web.Request, asked: Asked, services: Services) -> web.Response:
    valid = asked.job.valid
    timing = Timing(valid.arrived_s)
    writing = _Writing(asked.job.writer(services.answers, services.tokenizer), timing)
    async with serving(request, valid), metered(request, valid, services.client) as admitted:
        await generate(admitted, services.client, services.tokenizer, writing)
    writer = writing.writer
    writer.closing(time.time())
    writer.tally.record(services.registry)
    await _keep(asked, writer.response, services)
    request[TIMING] = timing.whole()
    return json_response(writer.response)


class _Writing:
    """`Taker` of an answer that is sent when it is complete."""

    def __init__(self, writer: ResponseWriter, timing: Timing) -> None:
        self.writer, self._timing = writer, timing
        writer.opening()

    def take(self, piece: Piece) -> bool:
        if self._timing.is_waiting:
            self._timing.first(piece.update)
        self.writer.piece(piece)
        return True

    async def ready(self) -> None:
        pass


async def _stream(request: web.Request, asked: Asked, services: Services) -> web.StreamResponse:
    """The status is sent with the first piece, so that a refusal before it keeps its own."""
    chunks = _Chunks(asked.job.writer(services.answers, services.tokenizer))
    valid = asked.job.valid
    sending = Sending(request, chunks, Timing(valid.arrived_s))
    try:
        async with (
            serving(request, valid),
            metered(request, valid, services.client) as admitted,
            sending,
        ):
            await generate(admitted, services.client, services.tokenizer, sending)
        last = chunks.closing()
    except (asyncio.CancelledError, Exception) as error:
        if sending.events is None:
            raise
        if _has_left(error, services):
            _park(asked, chunks, services)
            raise
        last = chunks.failing(translate(error, valid.name))
    chunks.writer.tally.record(services.registry)
    await _keep(asked, chunks.writer.response, services, chunks.past)
    assert sending.events is not None, "every answer has a last piece"
    return await sending.events.end(sending.unsaid() + last)


def _has_left(error: BaseException, services: Services) -> bool:
    """Whether the client did; else it is told of the error."""
    is_cancelled = isinstance(error, asyncio.CancelledError) and not services.drain.expired
    return is_cancelled or isinstance(error, ConnectionError)


def _park(asked: Asked, chunks: "_Chunks", services: Services) -> None:
    """Its client may come back for the rest."""
    background = services.background
    if not asked.job.response.store or background is None:
        return
    replay = background.replay(asked.job, chunks.past)
    if replay is not None:
        chunks.writer.leaving()
        background.park(_record(asked, chunks.writer.response), replay)


class _Chunks:
    """`answering.Chunks` of a response."""

    def __init__(self, writer: ResponseWriter) -> None:
        self.writer = writer
        self.past: list[Update] = []
        """All that came, to make the events of again."""

    def opening(self) -> bytes:
        return _joined(self.writer.opening())

    def piece(self, piece: Piece) -> bytes:
        self.past.append(piece.update)
        return _joined(self.writer.piece(piece))

    def closing(self) -> bytes:
        return _joined(self.writer.closing(time.time()))

    def failing(self, error: ApiError) -> bytes:
        return _joined(self.writer.failing(error))


def _joined(frames: list[Frame]) -> bytes:
    return b"".join([frame.data for frame in frames])


async def _keep(
    asked: Asked, response: Response, services: Services, past: list[Update] | None = None
) -> None:
    """An answer that cannot be kept is one all the same. `past` is what came of one that was streamed."""
    if not response.store or services.store is None or services.background is None:
        return
    replay = services.background.replay(asked.job, past) if past else None
    try:
        await services.store.put(_record(asked, response), replay)
    except Exception:
        log.exception("%s could not be kept", response.id)


def _record(asked: Asked, response: Response) -> Record:
    items: list[dict[str, Any]] = asked.input
    return Record(
        id=response.id,
        tenant=asked.tenant,
        created_s=time.time(),
        status=response.status,
        is_background=response.background,
        previous=response.previous_response_id,
        input=json(items),
        response=json(response),
    )
