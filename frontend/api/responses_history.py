"""What a new response goes on from. Knows kept responses, not how they become a prompt."""

from collections.abc import Iterable
from functools import partial
from typing import Any, NamedTuple

import msgspec

from penstock.frontend.encoding import Encoder
from penstock.frontend.errors import ApiError, bad_request
from penstock.frontend.responses import ids
from penstock.frontend.responses.errors import TooMuchError
from penstock.frontend.responses.request import Item
from penstock.frontend.responses.store import Record, Store

MAX_REFERENCES = 1000
"""In one request."""


class History:
    """What one request brings along without sending it: in all no more than `max_bytes`."""

    def __init__(self, store: Store | None, tenant: str, encoder: Encoder, max_bytes: int) -> None:
        self.num_bytes = 0
        """Of all that was read; an item that stands in the request again counts again."""
        self._store, self._tenant, self._encoder = store, tenant, encoder
        self._max_bytes = max_bytes

    async def before(self, previous: str | None) -> list[Item]:
        """All that was said up to the end of `previous`, without its instructions. Raises ApiError."""
        if previous is None:
            return []
        records = await self._chain(previous)
        for record in records:
            if not record.is_finished:
                raise bad_request(
                    f"Response {record.id} is not finished yet.", "previous_response_id"
                )
        self.num_bytes += sum(record.num_bytes for record in records)
        return await self._encoder.aside(self.num_bytes, partial(_items, records))

    async def referred(self, items: list[Item]) -> list[Item]:
        """With the items themselves where there were references to them. Raises ApiError."""
        wanted = [str(item.get("id")) for item in items if _is_reference(item)]
        if len(wanted) > MAX_REFERENCES:
            raise bad_request(
                f"input: a request has at most {MAX_REFERENCES} item references.", "input"
            )
        found = await self._found(wanted)
        used = iter(wanted)
        return [self._use(found, next(used)) if _is_reference(item) else item for item in items]

    async def _chain(self, previous: str) -> list[Record]:
        if self._store is None or not ids.is_response(previous):
            raise _gone(previous)
        try:
            left = self._max_bytes - self.num_bytes
            records = await self._store.chain(previous, self._tenant, left)
        except TooMuchError as error:
            raise self._too_much("previous_response_id") from error
        if not records:
            raise _gone(previous)
        if records[0].previous is not None:
            raise _gone(records[0].previous)
        return records

    async def _found(self, wanted: list[str]) -> "dict[str, _Found]":
        """Each response is read once, whatever is wanted of it."""
        found: dict[str, _Found] = {}
        for response_id in dict.fromkeys(filter(None, map(ids.response_of, wanted))):
            record = await self._store.get(response_id, self._tenant) if self._store else None
            if record is not None:
                self._take(record.num_bytes)
                work = partial(_named, record, frozenset(wanted))
                found |= await self._encoder.aside(record.num_bytes, work)
        return found

    def _use(self, found: "dict[str, _Found]", item_id: str) -> Item:
        item = found.get(item_id)
        if item is None:
            raise ApiError(404, f"Item with id '{item_id[:200]}' not found.", "input")
        self._take(item.num_bytes)
        return item.item

    def _take(self, num_bytes: int) -> None:
        self.num_bytes += num_bytes
        if self.num_bytes > self._max_bytes:
            raise self._too_much("input")

    def _too_much(self, param: str) -> ApiError:
        return bad_request(
            f"{param}: what it refers to is kept in more than {self._max_bytes} bytes "
            "(a larger --max-body-bytes allows more).",
            param,
        )


class _Found(NamedTuple):
    item: Item
    num_bytes: int


class _Answer(msgspec.Struct):
    """A response's JSON, but for what nobody goes on from."""

    output: list[msgspec.Raw]


class _Named(msgspec.Struct):
    id: Any = None


def _is_reference(item: Item) -> bool:
    return item.get("type") == "item_reference"


def _items(records: Iterable[Record]) -> list[Item]:
    return [msgspec.json.decode(raw) for record in records for raw in _raw_items(record)]


def _named(record: Record, wanted: frozenset[str]) -> dict[str, _Found]:
    """Of several with one id the first."""
    found: dict[str, _Found] = {}
    for raw in _raw_items(record):
        name = msgspec.json.decode(raw, type=_Named).id
        if isinstance(name, str) and name in wanted and name not in found:
            found[name] = _Found(msgspec.json.decode(raw), len(raw))
    return found


def _raw_items(record: Record) -> list[msgspec.Raw]:
    given = msgspec.json.decode(record.input, type=list[msgspec.Raw])
    return [*given, *msgspec.json.decode(record.response, type=_Answer).output]


def _gone(response_id: str) -> ApiError:
    return ApiError(
        404, f"Previous response with id '{response_id[:200]}' not found.", "previous_response_id"
    )
