"""A SQLite file that several processes share, and the one thread here that talks to it. Knows no table's meaning."""

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from penstock.frontend.responses.errors import StoreError

T = TypeVar("T")
BUSY_S = 10.0
"""How long to wait for another process's write."""
MEMORY = ":memory:"


class SqliteFile:
    """Opened, with its folder and tables, when it is first used."""

    def __init__(self, path: str, schema: str) -> None:
        self._path, self._schema = path, schema
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="responses")
        self._connection: sqlite3.Connection | None = None

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Runs `work` on one state of the file, whoever writes meanwhile."""
        return await self._do("BEGIN", work)

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Runs `work` alone; what it did is kept as a whole or, if it raises, not at all."""
        return await self._do("BEGIN IMMEDIATE", work)

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=False)

    async def _do(self, begin: str, work: Callable[[sqlite3.Connection], T]) -> T:
        def in_thread() -> T:
            try:
                connection = self._open()
                with _transaction(connection, begin):
                    return work(connection)
            except (sqlite3.Error, OSError) as error:
                raise StoreError(f"the file of responses: {error}") from error

        return await asyncio.get_running_loop().run_in_executor(self._thread, in_thread)

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            if self._path != MEMORY:
                _make_private(Path(self._path))
            self._connection = _connected(self._path, self._schema)
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _connected(path: str, schema: str) -> sqlite3.Connection:
    """Set up whole: half of it would be one without tables, or without foreign keys."""
    connection = sqlite3.connect(
        path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.executescript(schema)
    except BaseException:
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _make_private(path: Path) -> None:
    """It holds conversations."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
