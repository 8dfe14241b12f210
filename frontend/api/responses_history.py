"""What a new response goes on from. Knows kept responses, not how they become a prompt."""

from typing import Any

import msgspec

from penstock.frontend.errors import ApiError, bad_request
from penstock.frontend.responses import ids
from penstock.frontend.responses.request import Item
from penstock.frontend.responses.store import Record, Store


async def history(store: Store | None, previous: str | None, tenant: str) -> list[Item]:
    """All that was said up to the end of `previous`, without its instructions. Raises ApiError."""
    if previous is None:
        return []
    if store is None or not ids.is_response(previous):
        raise _gone(previous)
    records = await store.chain(previous, tenant)
    if not records:
        raise _gone(previous)
    if records[0].previous is not None:
        raise _gone(records[0].previous)
    for record in records:
        if not record.is_finished:
            raise bad_request(f"Response {record.id} is not finished yet.", "previous_response_id")
    return [item for record in records for item in (*_input(record), *_output(record))]


async def referred(store: Store | None, items: list[Item], tenant: str) -> list[Item]:
    """With the items themselves where there were references to them. Raises ApiError."""
    return [
        await _item(store, item, tenant) if item.get("type") == "item_reference" else item
        for item in items
    ]


async def _item(store: Store | None, reference: Item, tenant: str) -> Item:
    item_id = str(reference.get("id"))
    response_id = ids.response_of(item_id)
    record = await store.get(response_id, tenant) if store and response_id else None
    for item in [*_input(record), *_output(record)] if record else []:
        if item.get("id") == item_id:
            return item
    raise ApiError(404, f"Item with id '{item_id[:200]}' not found.", "input")


def _input(record: Record) -> list[Item]:
    items: list[Item] = msgspec.json.decode(record.input)
    return items


def _output(record: Record) -> list[Item]:
    response: dict[str, Any] = msgspec.json.decode(record.response)
    return list(response["output"])


def _gone(response_id: str) -> ApiError:
    return ApiError(
        404, f"Previous response with id '{response_id[:200]}' not found.", "previous_response_id"
    )
