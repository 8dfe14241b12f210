"""Responses that were kept: shown, streamed again, cancelled, deleted. Knows the store, not how they came about."""

from typing import Annotated, Any, Literal

import msgspec
from aiohttp import web

from penstock.frontend.access import TENANT
from penstock.frontend.api.query import QueryReader
from penstock.frontend.api.responses_again import stream_again
from penstock.frontend.api.responses_tail import follow
from penstock.frontend.api.shapes import json_response
from penstock.frontend.errors import ApiError, bad_request
from penstock.frontend.responses import ids
from penstock.frontend.responses.shapes import DeletedResponse, ItemPage
from penstock.frontend.responses.store import Record, Store
from penstock.frontend.services import SERVICES
from penstock.frontend.sse import json

MAX_LIMIT = 100
MOST = 1 << 53


class RetrieveQuery(msgspec.Struct, frozen=True, kw_only=True):
    stream: bool = False
    """Its events instead of the whole; of a response in the background alone."""
    starting_after: Annotated[int, msgspec.Meta(ge=-1, le=MOST)] = -1
    """Number of the last event that is known already."""


class ItemsQuery(msgspec.Struct, frozen=True, kw_only=True):
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_LIMIT)] = 20
    order: Literal["asc", "desc"] = "desc"
    after: str | None = None
    """Id of the item that was the last of the page before."""


RETRIEVE = QueryReader(RetrieveQuery)
ITEMS = QueryReader(ItemsQuery)


class UnknownResponseError(ApiError):
    """A 404 in the words of OpenAI's."""

    def __init__(self, response_id: str) -> None:
        super().__init__(404, f"Response with id '{response_id[:200]}' not found.", "response_id")

    @property
    def kind(self) -> str:
        return "invalid_request_error"


async def retrieve(request: web.Request) -> web.StreamResponse:
    record = await _record(request)
    asked = RETRIEVE.read(request)
    if not asked.stream:
        return json_response(_response(record))
    if record.is_finished and not record.is_background:
        return await stream_again(request, record, asked.starting_after)
    return await follow(request, record.id, asked.starting_after)


async def delete(request: web.Request) -> web.Response:
    record, services = await _record(request), request.app[SERVICES]
    await _store(request).delete(record.id, record.tenant)
    assert services.background is not None
    services.background.stop(record.id)
    return json_response(DeletedResponse(id=record.id))


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
    asked = ITEMS.read(request)
    if asked.order == "desc":
        items.reverse()
    if asked.after is not None:
        items = _behind(items, asked.after)
    return json_response(_page(items[: asked.limit], len(items) > asked.limit))


def _behind(items: list[dict[str, Any]], after: str) -> list[dict[str, Any]]:
    for index, item in enumerate(items):
        if item["id"] == after:
            return items[index + 1 :]
    raise bad_request(f"after: no item has the id '{after[:200]}'.", "after")


def _page(items: list[dict[str, Any]], has_more: bool) -> ItemPage:
    return ItemPage(
        data=items,
        first_id=items[0]["id"] if items else None,
        last_id=items[-1]["id"] if items else None,
        has_more=has_more,
    )


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
