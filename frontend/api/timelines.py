"""GET /v1/requests/{id}: what became of a recent request. Knows whom to ask, not what happened."""

import msgspec
from aiohttp import web

from penstock.frontend.access import TENANT
from penstock.frontend.api.shapes import json_response
from penstock.frontend.errors import ApiError
from penstock.frontend.services import SERVICES
from penstock.protocol.messages import ControlVerb
from penstock.protocol.timelines import RequestTimeline, TimelineQuestion


async def timeline(request: web.Request) -> web.Response:
    """The engine remembers it, so any front end can tell."""
    request_id = request.match_info["id"]
    question = TimelineQuestion(request_id, request.get(TENANT, ""))
    payload = msgspec.msgpack.encode(question)
    client = request.app[SERVICES].client
    await client.meet()
    found = await client.control(ControlVerb.REQUEST_TIMELINE, payload)
    if not found:
        raise ApiError(
            404,
            f"No recent request has the id '{request_id[:200]}': it never came, is not yours, or is forgotten.",
            "id",
        )
    return json_response(msgspec.msgpack.decode(found, type=RequestTimeline))
