"""One Redis: commands and scripts to it. Knows no key's meaning."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from penstock.frontend.responses.errors import StoreError

T = TypeVar("T")
TIMEOUT_S = 5.0
MAX_CONNECTIONS = 16


class RedisLink:
    """Connects when it is first used."""

    def __init__(self, url: str, prefix: bytes, scripts: Mapping[str, str]) -> None:
        """Raises ValueError for what is no URL of a Redis."""
        # A command whose answer got lost may have been done, so nothing is sent twice.
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=MAX_CONNECTIONS,
            timeout=TIMEOUT_S,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
        )
        self._redis = Redis(connection_pool=pool)
        self._prefix = prefix
        self._scripts = {name: self._redis.register_script(text) for name, text in scripts.items()}
        self._running: set[asyncio.Future[Any]] = set()

    async def script(self, name: str, *arguments: bytes | str | float) -> Any:
        """What it returns; it has the prefix as its one key. Raises StoreError."""
        return await self.ask(lambda _: self._scripts[name](keys=[self._prefix], args=arguments))

    async def ask(self, work: Callable[[Redis], Awaitable[T]]) -> T:
        """Raises StoreError. What has begun is done to its end, whoever is cancelled: a command that is broken off
        would leave its connection with half an answer."""
        task = asyncio.ensure_future(_translated(work(self._redis)))
        self._running.add(task)
        task.add_done_callback(self._is_done)
        return await asyncio.shield(task)

    async def close(self) -> None:
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._redis.aclose(close_connection_pool=True)

    def _is_done(self, task: "asyncio.Future[Any]") -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # nobody may be left to hear of it


async def _translated(work: Awaitable[T]) -> T:
    try:
        return await work
    except (RedisError, OSError) as error:
        raise StoreError(f"Redis does not answer: {error}") from error
