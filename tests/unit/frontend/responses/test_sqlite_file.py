"""The file of responses: private, and honest when it cannot be used."""

import asyncio
import stat
from pathlib import Path

import pytest
from support.stores import Place, record

from penstock.frontend.responses.errors import StoreError


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
