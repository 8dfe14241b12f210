"""Keeps responses in a SQLite file. Knows tables, not what is in their blobs."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from penstock.frontend.responses.sqlite_file import SqliteFile
from penstock.frontend.responses.store import (
    MAX_CHAIN,
    Claim,
    End,
    Holder,
    Progress,
    Record,
    Replay,
    Tail,
)
from penstock.frontend.responses.writer import Frame

PRUNED_AT_A_TIME = 64
_SCHEMA = """
CREATE TABLE IF NOT EXISTS responses (
    id TEXT PRIMARY KEY, tenant TEXT NOT NULL, created_s REAL NOT NULL, status TEXT NOT NULL,
    is_background INTEGER NOT NULL, previous TEXT, input BLOB NOT NULL, response BLOB NOT NULL,
    realm TEXT, job BLOB, owner TEXT, leased_until_s REAL,
    num_takeovers INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS by_age ON responses (created_s);
CREATE INDEX IF NOT EXISTS replays ON responses (leased_until_s)
    WHERE job IS NOT NULL AND status NOT IN ('queued', 'in_progress');
CREATE INDEX IF NOT EXISTS unfinished ON responses (realm, leased_until_s)
    WHERE status IN ('queued', 'in_progress');
CREATE TABLE IF NOT EXISTS frames (
    id TEXT NOT NULL REFERENCES responses (id) ON DELETE CASCADE,
    number INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (id, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pasts (
    number INTEGER PRIMARY KEY, data BLOB NOT NULL,
    id TEXT NOT NULL REFERENCES responses (id) ON DELETE CASCADE);
CREATE INDEX IF NOT EXISTS pasts_by_id ON pasts (id);
PRAGMA foreign_keys = ON;
"""
_FIELDS = "id, tenant, created_s, status, is_background, previous, input, response"
_REPLAY = "job IS NOT NULL AND status NOT IN ('queued', 'in_progress')"
_UNFINISHED = "status IN ('queued', 'in_progress')"


class SqliteStore:
    """See `Store`."""

    def __init__(self, path: str, max_age_s: float, max_bytes: int) -> None:
        self._file = SqliteFile(path, _SCHEMA)
        self._max_age_s, self._max_bytes = max_age_s, max_bytes

    async def put(self, record: Record, replay: Replay | None = None) -> None:
        def work(db: sqlite3.Connection) -> None:
            _insert(db, record)
            if replay is not None:
                db.execute(
                    "UPDATE responses SET realm = ?, job = ?, leased_until_s = ? WHERE id = ?",
                    (replay.realm, replay.job, replay.until_s, record.id),
                )
                _add(db, record.id, Progress(replay.past, []))

        await self._file.write(work)

    async def replay(self, response_id: str) -> Replay | None:
        return await self._file.read(lambda db: _replay(db, response_id))

    async def resume(self, response_id: str, owner: str, lease_s: float) -> Claim | None:
        def work(db: sqlite3.Connection) -> Claim | None:
            row = db.execute(
                f"SELECT {_FIELDS}, job, num_takeovers FROM responses "
                f"WHERE id = ? AND status = 'cancelled' AND {_REPLAY}",
                (response_id,),
            ).fetchone()
            if row is None:
                return None
            db.execute("UPDATE responses SET status = 'in_progress' WHERE id = ?", (response_id,))
            return _claim(db, row, owner, lease_s)

        return await self._file.write(work)

    async def begin(
        self, record: Record, realm: str, job: bytes, owner: str, lease_s: float, opening: Progress
    ) -> None:
        def work(db: sqlite3.Connection) -> None:
            _insert(db, record)
            db.execute(
                "UPDATE responses SET realm = ?, job = ?, owner = ?, leased_until_s = ? WHERE id = ?",
                (realm, job, owner, lease_s, record.id),
            )
            _add(db, record.id, opening)

        await self._file.write(work)

    async def get(self, response_id: str, tenant: str) -> Record | None:
        return await self._file.read(lambda db: _get(db, response_id, tenant))

    async def chain(self, response_id: str, tenant: str) -> list[Record]:
        def work(db: sqlite3.Connection) -> list[Record]:
            found: list[Record] = []
            wanted: str | None = response_id
            while wanted is not None and len(found) < MAX_CHAIN:
                record = _get(db, wanted, tenant)
                if record is None:
                    break
                found.append(record)
                wanted = record.previous
            return found[::-1]

        return await self._file.read(work)

    async def delete(self, response_id: str, tenant: str) -> bool:
        return await self._file.write(
            lambda db: _changes(
                db, "DELETE FROM responses WHERE id = ? AND tenant = ?", response_id, tenant
            )
        )

    async def cancel(self, response_id: str, tenant: str, response: bytes) -> bool:
        def work(db: sqlite3.Connection) -> bool:
            is_open = _changes(
                db,
                f"UPDATE responses SET status = status WHERE id = ? AND tenant = ? AND {_UNFINISHED}",
                response_id,
                tenant,
            )
            if is_open:
                _finish(db, response_id, End("cancelled", response))
            return is_open

        return await self._file.write(work)

    async def tail(self, response_id: str, after: int) -> Tail | None:
        return await self._file.read(lambda db: _tail(db, response_id, after))

    async def append(
        self, response_id: str, holder: Holder, progress: Progress, end: End | None
    ) -> bool:
        def work(db: sqlite3.Connection) -> bool:
            mine = _changes(
                db,
                "UPDATE responses SET status = 'in_progress' "
                f"WHERE id = ? AND owner = ? AND num_takeovers = ? AND {_UNFINISHED}",
                response_id,
                *holder,
            )
            if mine:
                _add(db, response_id, progress)
            if mine and end is not None:
                _finish(db, response_id, end)
            return mine

        return await self._file.write(work)

    async def renew(self, response_ids: Sequence[str], owner: str, lease_s: float) -> set[str]:
        def work(db: sqlite3.Connection) -> set[str]:
            sql = f"UPDATE responses SET leased_until_s = ? WHERE id = ? AND owner = ? AND {_UNFINISHED}"
            return {each for each in response_ids if _changes(db, sql, lease_s, each, owner)}

        return await self._file.write(work)

    async def release(self, realm: str, owner: str) -> None:
        sql = f"UPDATE responses SET leased_until_s = 0 WHERE realm = ? AND owner = ? AND {_UNFINISHED}"
        await self._file.write(lambda db: _changes(db, sql, realm, owner))

    async def claim(self, realm: str, owner: str, now_s: float, lease_s: float) -> Claim | None:
        def work(db: sqlite3.Connection) -> Claim | None:
            row = _left_alone(db, realm, now_s)
            return None if row is None else _claim(db, row, owner, lease_s)

        is_there = await self._file.read(lambda db: _left_alone(db, realm, now_s))
        return await self._file.write(work) if is_there else None

    async def prune(self, now_s: float) -> None:
        await self._file.write(lambda db: _drop_replays(db, now_s))
        await self._file.write(
            lambda db: _changes(
                db,
                f"DELETE FROM responses WHERE created_s < ? AND NOT {_UNFINISHED}",
                now_s - self._max_age_s,
            )
        )
        while await self._file.write(self._shrink):
            pass

    async def close(self) -> None:
        await self._file.close()

    def _shrink(self, db: sqlite3.Connection) -> bool:
        """Whether there may be more to do; between the steps others get their turn."""
        if _num_bytes(db) <= self._max_bytes:
            return False
        return _changes(
            db,
            "DELETE FROM responses WHERE id IN (SELECT id FROM responses "
            f"WHERE NOT {_UNFINISHED} ORDER BY created_s LIMIT ?)",
            PRUNED_AT_A_TIME,
        )


def _changes(db: sqlite3.Connection, sql: str, *values: object) -> bool:
    return db.execute(sql, values).rowcount > 0


def _insert(db: sqlite3.Connection, record: Record) -> None:
    db.execute(
        f"INSERT INTO responses ({_FIELDS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            record.id,
            record.tenant,
            record.created_s,
            record.status,
            record.is_background,
            record.previous,
            record.input,
            record.response,
        ),
    )


def _get(db: sqlite3.Connection, response_id: str, tenant: str) -> Record | None:
    sql = f"SELECT {_FIELDS} FROM responses WHERE id = ? AND tenant = ?"
    row = db.execute(sql, (response_id, tenant)).fetchone()
    return None if row is None else _record(row)


def _record(row: Sequence[Any]) -> Record:
    values = dict(zip(_FIELDS.split(", "), row, strict=True))
    values["is_background"] = bool(values["is_background"])
    return Record(**values)


def _add(db: sqlite3.Connection, response_id: str, progress: Progress) -> None:
    if progress.past:
        db.execute("INSERT INTO pasts (id, data) VALUES (?, ?)", (response_id, progress.past))
    db.executemany(
        "INSERT INTO frames (id, number, data) VALUES (?, ?, ?)",
        [(response_id, frame.number, frame.data) for frame in progress.frames],
    )


def _left_alone(db: sqlite3.Connection, realm: str, now_s: float) -> tuple[Any, ...] | None:
    """A row whose lease ran out."""
    row: tuple[Any, ...] | None = db.execute(
        f"SELECT {_FIELDS}, job, num_takeovers FROM responses "
        f"WHERE realm = ? AND leased_until_s < ? AND {_UNFINISHED} ORDER BY leased_until_s, id LIMIT 1",
        (realm, now_s),
    ).fetchone()
    return row


def _claim(db: sqlite3.Connection, row: tuple[Any, ...], owner: str, lease_s: float) -> Claim:
    *fields, job, num_takeovers = row
    record = _record(fields)
    db.execute(
        "UPDATE responses SET owner = ?, leased_until_s = ?, num_takeovers = ? WHERE id = ?",
        (owner, lease_s, num_takeovers + 1, record.id),
    )
    return Claim(record, job, *_written(db, record.id), num_takeovers + 1)


def _replay(db: sqlite3.Connection, response_id: str) -> Replay | None:
    row = db.execute(
        f"SELECT realm, job, leased_until_s FROM responses WHERE id = ? AND {_REPLAY}",
        (response_id,),
    ).fetchone()
    if row is None:
        return None
    realm, job, until_s = row
    pasts, _ = _written(db, response_id)
    return Replay(realm, job, b"".join(pasts), until_s)


def _drop_replays(db: sqlite3.Connection, now_s: float) -> None:
    over = f"SELECT id FROM responses WHERE {_REPLAY} AND leased_until_s < ?"
    db.execute(f"DELETE FROM pasts WHERE id IN ({over})", (now_s,))
    db.execute(f"UPDATE responses SET job = NULL WHERE id IN ({over})", (now_s,))


def _finish(db: sqlite3.Connection, response_id: str, end: End) -> None:
    db.execute(
        "UPDATE responses SET status = ?, response = ?, job = NULL, owner = NULL WHERE id = ?",
        (end.status, end.response, response_id),
    )
    db.execute("DELETE FROM pasts WHERE id = ?", (response_id,))


def _tail(db: sqlite3.Connection, response_id: str, after: int) -> Tail | None:
    row = db.execute(f"SELECT {_UNFINISHED} FROM responses WHERE id = ?", (response_id,)).fetchone()
    if row is None:
        return None
    rows = db.execute(
        "SELECT number, data FROM frames WHERE id = ? AND number > ? ORDER BY number",
        (response_id, after),
    )
    return Tail([Frame(*found) for found in rows], not row[0])


def _written(db: sqlite3.Connection, response_id: str) -> tuple[list[bytes], int]:
    pasts = db.execute("SELECT data FROM pasts WHERE id = ? ORDER BY number", (response_id,))
    (num_frames,) = db.execute(
        "SELECT count(*) FROM frames WHERE id = ?", (response_id,)
    ).fetchone()
    return [data for (data,) in pasts], num_frames


def _num_bytes(db: sqlite3.Connection) -> int:
    """Without what is free within the file."""
    values = [
        db.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    ]
    return int((values[0] - values[1]) * values[2])
