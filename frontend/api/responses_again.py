"""Events of an answer in the foreground, had again after its connection broke. Knows what is kept, not how it came."""

from functools import partial

from aiohttp import web

from penstock.frontend.api.responses_tail import follow
from penstock.frontend.errors import bad_request
from penstock.frontend.responses.replay import told_again
from penstock.frontend.responses.store import Record, Replay
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
        return await _send(request, record, replay, after)
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


async def _send(
    request: web.Request, record: Record, replay: Replay, after: int
) -> web.StreamResponse:
    """Each step as it is made: whoever reads slowly holds up what is made for him."""
    services, events = request.app[SERVICES], None
    steps = told_again(record, replay, services.answers, services.tokenizer)
    step = partial(next, steps, None)
    while (frames := await services.encoder.aside(len(replay.past), step)) is not None:
        data = b"".join([frame.data for frame in frames if frame.number > after])
        if events is None:
            events = await EventStream.open(request, data)
        elif data:
            events.send(data)
        await events.catch_up()
    assert events is not None, "every answer has a last event"
    return await events.end()
