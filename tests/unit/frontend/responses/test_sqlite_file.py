"""The file of responses: private, and honest when it cannot be used."""

import asyncio
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from support.stores import Place, record

from penstock.frontend.responses import sqlite_file
from penstock.frontend.responses.errors import StoreError
from penstock.frontend.responses.sqlite_file import SqliteFile
from penstock.frontend.responses.store import Progress
from penstock.frontend.responses.writer import Frame


def test_it_is_private(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "responses.sqlite"

    async def work() -> None:
        async with Place(str(path)).opened() as store:
            await store.put(record("a"))

    asyncio.run(work())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_what_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no database, though it is as long as one might well be")

    async def work() -> None:
        async with Place(str(tmp_path / "file")).opened() as store:
            with pytest.raises(StoreError, match="not a database"):
                await store.put(record("a"))

    asyncio.run(work())


def test_after_a_failure_it_is_opened_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half open it would have no tables, or forget a response and keep its events."""
    monkeypatch.setattr(sqlite_file, "BUSY_S", 0.05)
    path = tmp_path / "responses.sqlite"

    async def work() -> None:
        async with Place(str(path)).opened() as store:
            with closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute("BEGIN EXCLUSIVE")
                with pytest.raises(StoreError, match="locked"):
                    await store.put(record("a"))
            queued = record("a", status="queued", is_background=True)
            opening = Progress(b"past", [Frame(0, b"zero")])
            await store.begin(queued, "realm", b"job", "me", 10.0, opening)
            assert await store.delete("a", "")

    asyncio.run(work())
    with closing(sqlite3.connect(path)) as left:
        assert left.execute("SELECT count(*) FROM frames").fetchone() == (0,)


def test_a_schema_that_fails_leaves_no_connection(tmp_path: Path) -> None:
    async def work() -> None:
        file = SqliteFile(str(tmp_path / "file"), "CREATE TABLE a (b); PRAGMA foreign_keys = ON;")
        with closing(sqlite3.connect(tmp_path / "file")) as other:
            other.execute("CREATE TABLE a (b)")
            with pytest.raises(StoreError, match="already exists"):
                await file.read(_foreign_keys)
            other.execute("DROP TABLE a")
        assert await file.read(_foreign_keys) == 1
        await file.close()

    asyncio.run(work())


def _foreign_keys(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA foreign_keys").fetchone()[0])
