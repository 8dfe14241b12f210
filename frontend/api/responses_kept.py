"""Responses that were kept: shown, streamed again, cancelled, deleted. Knows the store, not how they came about."""

from typing import Any

import msgspec
from aiohttp import web

from penstock.frontend.api.responses_again import stream_again
from penstock.frontend.api.responses_tail import follow
from penstock.frontend.api.shapes import json_response
from penstock.frontend.auth import TENANT
from penstock.frontend.errors import ApiError, bad_request
from penstock.frontend.responses import ids
from penstock.frontend.responses.store import Record, Store
from penstock.frontend.services import SERVICES
from penstock.frontend.sse import json

MAX_LIMIT = 100
MOST = 1 << 53
_TRUE = ("true", "1", "True")


class UnknownResponseError(ApiError):
    """A 404 in the words of OpenAI's."""

    def __init__(self, response_id: str) -> None:
        super().__init__(404, f"Response with id '{response_id[:200]}' not found.", "response_id")

    @property
    def body(self) -> dict[str, Any]:
        body = super().body
        body["error"]["type"] = "invalid_request_error"
        return body


async def retrieve(request: web.Request) -> web.StreamResponse:
    record = await _record(request)
    after = _integer(request, "starting_after", -1)
    if request.query.get("stream") not in _TRUE:
        return json_response(_response(record))
    if record.is_finished and not record.is_background:
        return await stream_again(request, record, after)
    return await follow(request, record.id, after)


async def delete(request: web.Request) -> web.Response:
    record, services = await _record(request), request.app[SERVICES]
    await _store(request).delete(record.id, record.tenant)
    assert services.background is not None
    services.background.stop(record.id)
    return json_response({"id": record.id, "object": "response", "deleted": True})


async def cancel(request: web.Request) -> web.Response:
    """One that is finished stays as it is."""
    record, services = await _record(request), request.app[SERVICES]
    if record.is_finished and not record.is_background:
        raise bad_request(
            "Only responses created with background=true can be cancelled.", "response_id"
        )
    response = _response(record)
    cancelled = response if record.is_finished else response | {"status": "cancelled"}
    if await _store(request).cancel(record.id, record.tenant, json(cancelled)):
        assert services.background is not None
        services.background.stop(record.id)
    return json_response(_response(await _record(request)))


async def input_items(request: web.Request) -> web.Response:
    record = await _record(request)
    items: list[dict[str, Any]] = msgspec.json.decode(record.input)
    order, after = request.query.get("order", "desc"), request.query.get("after")
    limit = _integer(request, "limit", 20)
    if order not in ("asc", "desc"):
        raise bad_request("order must be 'asc' or 'desc'.", "order", order)
    if not 1 <= limit <= MAX_LIMIT:
        raise bad_request(f"limit must be from 1 to {MAX_LIMIT}.", "limit", limit)
    if order == "desc":
        items.reverse()
    if after is not None:
        items = _behind(items, after)
    return json_response(_page(items[:limit], len(items) > limit))


def _behind(items: list[dict[str, Any]], after: str) -> list[dict[str, Any]]:
    for index, item in enumerate(items):
        if item["id"] == after:
            return items[index + 1 :]
    raise bad_request(f"after: no item has the id '{after[:200]}'.", "after")


def _page(items: list[dict[str, Any]], has_more: bool) -> dict[str, Any]:
    return {
        "object": "list",
        "data": items,
        "first_id": items[0]["id"] if items else None,
        "last_id": items[-1]["id"] if items else None,
        "has_more": has_more,
    }


async def _record(request: web.Request) -> Record:
    response_id = request.match_info["id"]
    store = request.app[SERVICES].store
    if store is None or not ids.is_response(response_id):
        raise UnknownResponseError(response_id)
    record = await store.get(response_id, request.get(TENANT, ""))
    if record is None:
        raise UnknownResponseError(response_id)
    return record


def _store(request: web.Request) -> Store:
    store = request.app[SERVICES].store
    assert store is not None, "it had the record"
    return store


def _response(record: Record) -> dict[str, Any]:
    response: dict[str, Any] = msgspec.json.decode(record.response)
    return response | {"status": record.status}


def _integer(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name)
    if text is None:
        return default
    try:
        value = int(text)
    except ValueError as error:
        raise bad_request(f"{name} must be an integer.", name, text) from error
    if not -1 <= value <= MOST:
        raise bad_request(f"{name} must be from 0 to {MOST}.", name, value)
    return value
