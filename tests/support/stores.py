"""Stores of responses of every kind, empty, for tests that hold all of them to one contract. Knows no response."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from penstock.frontend.responses.places import open_store
from penstock.frontend.responses.store import Record, Store
from penstock.protocol.settings import FrontendSettings
from support.redis_server import RedisServer


class Place(NamedTuple):
    """Where responses are kept, in the words of --responses-store."""

    given: str

    @asynccontextmanager
    async def opened(self, **settings: Any) -> AsyncIterator[Store]:
        store = open_store(FrontendSettings(responses_store=self.given, **settings))
        assert store is not None
        try:
            yield store
        finally:
            await store.close()


KINDS = ("sqlite", "redis")


@contextmanager
def empty_places(kind: str, folder: Path) -> Iterator[Callable[[], Place]]:
    """Each call gives a place of that kind where nothing is kept."""
    numbers = count()
    if kind == "sqlite":
        yield lambda: Place(str(folder / f"{next(numbers)}" / "responses.sqlite"))
        return
    with RedisServer() as server:
        yield lambda: Place(_emptied(server))


def _emptied(server: RedisServer) -> str:
    from redis import Redis

    with Redis.from_url(server.url) as redis:
        redis.flushall()
    return server.url


def record(name: str, **fields: Any) -> Record:
    """A finished response, but for what `fields` say."""
    defaults: dict[str, Any] = {
        "id": name,
        "tenant": "",
        "created_s": 100.0,
        "status": "completed",
        "is_background": False,
        "previous": None,
        "input": b"[]",
        "response": b"{}",
    }
    return Record(**(defaults | fields))
