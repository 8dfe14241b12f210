"""Keeps responses in a SQLite file. Knows what belongs together, not what is in the blobs."""

import sqlite3
import time
from collections.abc import Collection, Sequence
from typing import Any

from penstock.frontend.responses import sqlite_tables as tables
from penstock.frontend.responses.chain import Chain
from penstock.frontend.responses.sqlite_file import SqliteFile
from penstock.frontend.responses.store import (
    Claim,
    End,
    Holder,
    Progress,
    Record,
    Replay,
    Tail,
)

PRUNED_AT_A_TIME = 64


class SqliteStore:
    """See `Store`."""

    def __init__(self, path: str, max_age_s: float, max_bytes: int) -> None:
        self._file = SqliteFile(path, tables.SCHEMA)
        self._max_age_s, self._max_bytes = max_age_s, max_bytes

    async def put(self, record: Record, replay: Replay | None = None) -> None:
        def work(db: sqlite3.Connection) -> None:
            tables.insert(db, record)
            if replay is not None:
                db.execute(
                    "UPDATE responses SET realm = ?, job = ?, leased_until_s = ? WHERE id = ?",
                    (replay.realm, replay.job, replay.until_s, record.id),
                )
                tables.add(db, record.id, Progress(replay.past, []))

        await self._file.write(work)

    async def replay(self, response_id: str) -> Replay | None:
        return await self._file.read(lambda db: tables.replay(db, response_id))

    async def resume(self, response_id: str, owner: str, lease_s: float) -> Claim | None:
        def work(db: sqlite3.Connection) -> Claim | None:
            sql = (
                "UPDATE responses SET status = 'in_progress' WHERE id = ? AND status = 'cancelled'"
            )
            if not tables.changes(db, f"{sql} AND {tables.REPLAY}", response_id):
                return None
            row = db.execute(
                f"SELECT {tables.FIELDS}, job, num_takeovers FROM responses WHERE id = ?",
                (response_id,),
            ).fetchone()
            return tables.claim(db, row, owner, time.time() + lease_s)

        return await self._file.write(work)

    async def begin(
        self, record: Record, realm: str, job: bytes, owner: str, lease_s: float, opening: Progress
    ) -> None:
        def work(db: sqlite3.Connection) -> None:
            tables.insert(db, record)
            db.execute(
                "UPDATE responses SET realm = ?, job = ?, owner = ?, leased_until_s = ? WHERE id = ?",
                (realm, job, owner, time.time() + lease_s, record.id),
            )
            tables.add(db, record.id, opening)

        await self._file.write(work)

    async def get(self, response_id: str, tenant: str) -> Record | None:
        return await self._file.read(lambda db: tables.get(db, response_id, tenant))

    async def chain(self, response_id: str, tenant: str, max_bytes: int) -> list[Record]:
        def work(db: sqlite3.Connection) -> list[Record]:
            chain = Chain(response_id, max_bytes)
            while chain.wanted is not None:
                chain.add(tables.get(db, chain.wanted, tenant))
            return chain.records[::-1]

        return await self._file.read(work)

    async def delete(self, response_id: str, tenant: str) -> bool:
        return await self._file.write(
            lambda db: tables.changes(
                db, "DELETE FROM responses WHERE id = ? AND tenant = ?", response_id, tenant
            )
        )

    async def cancel(self, response_id: str, tenant: str, response: bytes) -> bool:
        def work(db: sqlite3.Connection) -> bool:
            is_open = tables.changes(
                db,
                f"UPDATE responses SET status = status WHERE id = ? AND tenant = ? AND {tables.UNFINISHED}",
                response_id,
                tenant,
            )
            if is_open:
                tables.finish(db, response_id, End("cancelled", response))
            return is_open

        return await self._file.write(work)

    async def tail(self, response_id: str, after: int) -> Tail | None:
        return await self._file.read(lambda db: tables.tail(db, response_id, after))

    async def append(
        self, response_id: str, holder: Holder, progress: Progress, end: End | None
    ) -> bool:
        def work(db: sqlite3.Connection) -> bool:
            mine = tables.changes(
                db,
                "UPDATE responses SET status = 'in_progress' "
                f"WHERE id = ? AND owner = ? AND num_takeovers = ? AND {tables.UNFINISHED}",
                response_id,
                *holder,
            )
            if mine:
                tables.add(db, response_id, progress)
            if mine and end is not None:
                tables.finish(db, response_id, end)
            return mine

        return await self._file.write(work)

    async def renew(self, response_ids: Sequence[str], owner: str, lease_s: float) -> set[str]:
        def work(db: sqlite3.Connection) -> set[str]:
            sql = f"UPDATE responses SET leased_until_s = ? WHERE id = ? AND owner = ? AND {tables.UNFINISHED}"
            until_s = time.time() + lease_s
            return {each for each in response_ids if tables.changes(db, sql, until_s, each, owner)}

        return await self._file.write(work)

    async def release(self, realm: str, owner: str) -> None:
        sql = f"UPDATE responses SET leased_until_s = 0 WHERE realm = ? AND owner = ? AND {tables.UNFINISHED}"
        await self._file.write(lambda db: tables.changes(db, sql, realm, owner))

    async def claim(
        self, realm: str, owner: str, lease_s: float, but: Collection[str] = ()
    ) -> Claim | None:
        def left_alone(db: sqlite3.Connection) -> tuple[Any, ...] | None:
            return tables.left_alone(db, realm, time.time(), but)

        def work(db: sqlite3.Connection) -> Claim | None:
            row = left_alone(db)
            return None if row is None else tables.claim(db, row, owner, time.time() + lease_s)

        return await self._file.write(work) if await self._file.read(left_alone) else None

    async def prune(self, now_s: float) -> None:
        await self._file.write(lambda db: tables.drop_replays(db, now_s))
        await self._file.write(
            lambda db: tables.changes(
                db,
                f"DELETE FROM responses WHERE created_s < ? AND NOT {tables.UNFINISHED}",
                now_s - self._max_age_s,
            )
        )
        while await self._file.write(self._shrink):
            pass

    async def close(self) -> None:
        await self._file.close()

    def _shrink(self, db: sqlite3.Connection) -> bool:
        """Whether there may be more to do; between the steps others get their turn."""
        if tables.num_bytes(db) <= self._max_bytes:
            return False
        return tables.changes(
            db,
            "DELETE FROM responses WHERE id IN (SELECT id FROM responses "
            f"WHERE NOT {tables.UNFINISHED} ORDER BY created_s LIMIT ?)",
            PRUNED_AT_A_TIME,
        )
