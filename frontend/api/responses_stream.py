"""A response that is streamed, and what is kept of it however it ends. Knows the steps in their order, no rule."""

import asyncio
import time

from aiohttp import web

from penstock.frontend.api.answering import serving
from penstock.frontend.api.responses_asked import Asked
from penstock.frontend.api.responses_keeping import keep, record
from penstock.frontend.api.sending import Sending
from penstock.frontend.api.timing import Timing
from penstock.frontend.engine.mailbox import Update
from penstock.frontend.errors import ApiError, has_left, translate
from penstock.frontend.generation import Piece, generate
from penstock.frontend.metering import metered
from penstock.frontend.responses.writer import Frame, ResponseWriter
from penstock.frontend.services import Services


async def stream(request: web.Request, asked: Asked, services: Services) -> web.StreamResponse:
    """The status is sent with the first piece, so that a refusal before it keeps its own."""
    chunks = _Chunks(asked, services)
    sending = Sending(request, chunks, Timing(asked.job.valid.arrived_s))
    try:
        await _produce(request, asked, services, sending)
        last = chunks.closing()
    except (asyncio.CancelledError, Exception) as error:
        if sending.events is None or _is_parked(error, asked, chunks, services):
            raise
        last = chunks.failing(translate(error, asked.job.valid.name))
    return await _end(asked, chunks, services, sending, last)


async def _end(
    asked: Asked, chunks: "_Chunks", services: Services, sending: Sending, last: bytes
) -> web.StreamResponse:
    chunks.writer.tally.record(services.registry)
    await keep(asked, chunks.writer.response, services, chunks.past)
    assert sending.events is not None, "every answer has a last piece"
    return await sending.events.end(sending.unsaid() + last)


async def _produce(
    request: web.Request, asked: Asked, services: Services, sending: Sending
) -> None:
    valid, client = asked.job.valid, services.client
    async with serving(request, valid), metered(request, valid, client) as admitted, sending:
        await generate(admitted, client, services.tokenizer, sending)


def _is_parked(error: BaseException, asked: Asked, chunks: "_Chunks", services: Services) -> bool:
    """Where the client has left, there is nobody to tell of the error."""
    is_gone = has_left(error, services.drain)
    if is_gone:
        _park(asked, chunks, services)
    return is_gone


def _park(asked: Asked, chunks: "_Chunks", services: Services) -> None:
    """Its client may come back for the rest."""
    if chunks.past is None:
        return
    assert services.background is not None
    keeper = services.background.keeper
    replay = keeper.replay(asked.job, chunks.past)
    if replay is not None:
        chunks.writer.leaving()
        keeper.put(record(asked, chunks.writer.response), replay)


def _can_be_had_again(asked: Asked, services: Services) -> bool:
    background = services.background
    return asked.job.response.store and background is not None and background.keeper.keeps_replays


class _Chunks:
    """`answering.Chunks` of a response."""

    def __init__(self, asked: Asked, services: Services) -> None:
        self.writer: ResponseWriter = asked.job.writer(services.answers, services.tokenizer)
        self.past: list[Update] | None = [] if _can_be_had_again(asked, services) else None
        """All that came, to make the events of again."""

    def opening(self) -> bytes:
        return _joined(self.writer.opening())

    def piece(self, piece: Piece) -> bytes:
        if self.past is not None:
            self.past.append(piece.update)
        return _joined(self.writer.piece(piece))

    def closing(self) -> bytes:
        return _joined(self.writer.closing(time.time()))

    def failing(self, error: ApiError) -> bytes:
        return _joined(self.writer.failing(error))


def _joined(frames: list[Frame]) -> bytes:
    return b"".join([frame.data for frame in frames])
