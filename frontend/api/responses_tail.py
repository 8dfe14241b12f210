"""The events of a background response, sent as they are written, wherever that is. Knows the store, not the writer."""

import asyncio

from aiohttp import web

from penstock.frontend.keep_alive import KeepAlive
from penstock.frontend.responses.store import Tail
from penstock.frontend.services import SERVICES, Services
from penstock.frontend.sse import KEEP_ALIVE, EventStream

POLL_S = 0.1
"""For what another front end writes."""


async def follow(request: web.Request, response_id: str, after: int) -> web.StreamResponse:
    """Those whose number is greater than `after`, until there are no more."""
    services = request.app[SERVICES]
    tail = await _next(services, response_id, after)
    events = await EventStream.open(request, _joined(tail))
    interval_s = services.settings.sse_keep_alive_interval
    with KeepAlive(interval_s, lambda: events.send(KEEP_ALIVE)) as keep_alive:
        while not tail.is_finished:
            after = tail.frames[-1].number if tail.frames else after
            tail = await _next(services, response_id, after)
            if data := _joined(tail):
                events.send(data)
                keep_alive.is_silent = False
            await events.catch_up()
    return await events.end()


async def _next(services: Services, response_id: str, after: int) -> Tail:
    """Waits until there is something new. Of a response that was deleted nothing is."""
    assert services.store is not None
    assert services.background is not None
    while True:
        changed = services.background.changed(response_id)
        if changed is not None:
            changed.clear()
        tail = await services.store.tail(response_id, after)
        if tail is None:
            return Tail([], is_finished=True)
        if tail.frames or tail.is_finished:
            return tail
        await _wait(changed)


async def _wait(changed: asyncio.Event | None) -> None:
    """Several may wait for one event, and one may have cleared it for the others."""
    if changed is None:
        await asyncio.sleep(POLL_S)
        return
    try:
        await asyncio.wait_for(changed.wait(), POLL_S)
    except TimeoutError:
        return


def _joined(tail: Tail) -> bytes:
    return b"".join([frame.data for frame in tail.frames])
