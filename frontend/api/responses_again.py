"""Events of an answer in the foreground, had again after its connection broke. Knows what is kept, not how it came."""

from aiohttp import web

from penstock.frontend.api.responses_tail import follow
from penstock.frontend.errors import bad_request
from penstock.frontend.responses.job import decode, decode_pasts
from penstock.frontend.responses.replay import frames_before_the_end
from penstock.frontend.responses.store import Record, Replay
from penstock.frontend.responses.writer import Frame
from penstock.frontend.services import SERVICES, Services
from penstock.frontend.sse import EventStream


async def stream_again(request: web.Request, record: Record, after: int) -> web.StreamResponse:
    """Those whose number is greater than `after`. One that its client cut short goes on from there.

    Raises ApiError 400 when they are kept no longer.
    """
    services = request.app[SERVICES]
    assert services.store is not None
    assert services.background is not None
    replay = await services.store.replay(record.id)
    if replay is not None and record.status != "cancelled":
        return await _send(request, _frames(record, replay, services), after)
    if replay is not None:
        await services.background.go_on(record.id)
    elif not await _has_frames(record, services):
        raise bad_request(
            "This response cannot be streamed: its events are not kept, or no longer "
            "(those of one created with background=true are).",
            "stream",
        )
    return await follow(request, record.id, after)


async def _has_frames(record: Record, services: Services) -> bool:
    """It went on in the background once."""
    assert services.store is not None
    tail = await services.store.tail(record.id, -1)
    return tail is not None and (bool(tail.frames) or not tail.is_finished)


def _frames(record: Record, replay: Replay, services: Services) -> list[Frame]:
    job, past = decode(replay.job), decode_pasts([replay.past])
    frames, writer = frames_before_the_end(job, past, services.answers, services.tokenizer)
    return [*frames, writer.ended(record.status, record.response)]


async def _send(request: web.Request, frames: list[Frame], after: int) -> web.StreamResponse:
    data = b"".join([frame.data for frame in frames if frame.number > after])
    events = await EventStream.open(request, data)
    return await events.end()
