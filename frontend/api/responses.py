"""POST /v1/responses: whole, streamed, or in the background. Knows the order of the steps, not their rules."""

import time

from aiohttp import web
from msgspec.structs import replace

from penstock.frontend.api.answering import note, serving
from penstock.frontend.api.body import BodyReader
from penstock.frontend.api.responses_asked import Asked, understand
from penstock.frontend.api.responses_keeping import keep, record
from penstock.frontend.api.responses_stream import stream
from penstock.frontend.api.responses_tail import follow
from penstock.frontend.api.shapes import json_response
from penstock.frontend.api.timing import TIMING, Timing
from penstock.frontend.errors import bad_request
from penstock.frontend.generation import Piece, generate
from penstock.frontend.metering import metered, reserve, wish
from penstock.frontend.responses.request import ResponsesRequest, checked
from penstock.frontend.responses.shapes import InputTokens
from penstock.frontend.responses.writer import ResponseWriter
from penstock.frontend.services import SERVICES, Services

READER = BodyReader(ResponsesRequest)


async def create(request: web.Request) -> web.StreamResponse:
    services = request.app[SERVICES]
    body = checked(await READER.read(request))
    if services.store is None:
        body = _unkept(body)
    asked = await understand(request, body, services)
    if body.is_background:
        return await _begin(request, asked, services, is_streamed=bool(body.stream))
    answer = stream if body.stream else _answer
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
        await services.background.begin(record(asked, response), job, reservation)
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
    await keep(asked, writer.response, services)
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
