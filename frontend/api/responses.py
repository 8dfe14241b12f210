"""POST /v1/responses: whole, streamed, or in the background. Knows the order of the steps, not their rules."""

import asyncio
import logging
import time
from typing import Any

from aiohttp import web
from msgspec.structs import replace

from penstock.frontend.api.answering import Sending
from penstock.frontend.api.body import BodyReader
from penstock.frontend.api.responses_asked import Asked, understand
from penstock.frontend.api.responses_tail import follow
from penstock.frontend.api.shapes import json_response
from penstock.frontend.errors import ApiError, bad_request, translate
from penstock.frontend.generation import Piece, generate
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
    assert services.background is not None
    response = asked.job.response
    await services.background.begin(_record(asked, response), asked.job)
    return await follow(request, response.id, -1) if is_streamed else json_response(response)


async def _answer(request: web.Request, asked: Asked, services: Services) -> web.Response:
    writing = _Writing(asked.job.writer(services.answers, services.tokenizer))
    await generate(asked.job.valid, services.client, services.tokenizer, writing)
    writer = writing.writer
    writer.closing(time.time())
    writer.tally.record(services.registry)
    await _keep(asked, writer.response, services)
    return json_response(writer.response)


class _Writing:
    """`Taker` of an answer that is sent when it is complete."""

    def __init__(self, writer: ResponseWriter) -> None:
        self.writer = writer
        writer.opening()

    def take(self, piece: Piece) -> bool:
        self.writer.piece(piece)
        return True

    async def ready(self) -> None:
        pass


async def _stream(request: web.Request, asked: Asked, services: Services) -> web.StreamResponse:
    """The status is sent with the first piece, so that a refusal before it keeps its own."""
    chunks = _Chunks(asked.job.writer(services.answers, services.tokenizer))
    sending = Sending(request, chunks)
    try:
        await generate(asked.job.valid, services.client, services.tokenizer, sending)
        last = chunks.closing()
    except asyncio.CancelledError as error:
        if sending.events is None or not services.drain.expired:
            raise
        last = chunks.failing(translate(error))
    except Exception as error:
        if sending.events is None or isinstance(error, ConnectionError):
            raise
        last = chunks.failing(translate(error))
    chunks.writer.tally.record(services.registry)
    await _keep(asked, chunks.writer.response, services)
    assert sending.events is not None, "every answer has a last piece"
    return await sending.events.end(last)


class _Chunks:
    """`answering.Chunks` of a response."""

    def __init__(self, writer: ResponseWriter) -> None:
        self.writer = writer

    def opening(self) -> bytes:
        return _joined(self.writer.opening())

    def piece(self, piece: Piece) -> bytes:
        return _joined(self.writer.piece(piece))

    def closing(self) -> bytes:
        return _joined(self.writer.closing(time.time()))

    def failing(self, error: ApiError) -> bytes:
        return _joined(self.writer.failing(error))


def _joined(frames: list[Frame]) -> bytes:
    return b"".join([frame.data for frame in frames])


async def _keep(asked: Asked, response: Response, services: Services) -> None:
    """An answer that cannot be kept is one all the same."""
    if not response.store or services.store is None:
        return
    try:
        await services.store.put(_record(asked, response))
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
