"""Events of an answer in the foreground, had again after its connection broke. Knows what is kept, not how it came."""

from functools import partial

import msgspec
from aiohttp import web
from msgspec.structs import replace

from penstock.frontend.api.responses_tail import follow
from penstock.frontend.engine.mailbox import Update
from penstock.frontend.engine.reservations import Reservation
from penstock.frontend.errors import bad_request
from penstock.frontend.metering import reserve, rest, subject_of
from penstock.frontend.responses.job import Job, decode, decode_pasts
from penstock.frontend.responses.replay import told_again
from penstock.frontend.responses.store import Record, Replay
from penstock.frontend.services import SERVICES, Services
from penstock.frontend.sse import EventStream


async def stream_again(request: web.Request, record: Record, after: int) -> web.StreamResponse:
    """Those whose number is greater than `after`. One that its client cut short goes on from there.

    Raises ApiError 400 when they are kept no longer, 429 when there is no room for going on.
    """
    services = request.app[SERVICES]
    assert services.store is not None
    replay = await services.store.replay(record.id)
    if replay is not None and record.status != "cancelled":
        return await _send(request, record, replay, after)
    if replay is not None:
        await _go_on(request, record, replay, services)
    elif not await _has_frames(record, services):
        raise bad_request(
            "This response cannot be streamed: its events are not kept, or no longer "
            "(those of one created with background=true are).",
            "stream",
        )
    return await follow(request, record.id, after)


async def _go_on(request: web.Request, record: Record, replay: Replay, services: Services) -> None:
    assert services.background is not None
    reservation = await _reserve_rest(request, replay, services)
    await services.background.go_on(record.id, reservation)


async def _reserve_rest(
    request: web.Request, replay: Replay, services: Services
) -> Reservation | None:
    """Its first place was given up when its client left. Whoever asks now is who it counts for."""
    num_bytes = len(replay.job) + len(replay.past)
    if not services.client.is_metered:
        return None
    try:
        job, past = await services.encoder.aside(num_bytes, partial(_read, replay))
    except msgspec.DecodeError:  # another version wrote it: it will be given up
        return None
    valid = replace(job.valid, subject=subject_of(request))
    return await reserve(request, rest(valid, past), services.client)


def _read(replay: Replay) -> tuple[Job, list[Update]]:
    return decode(replay.job), decode_pasts([replay.past])


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
