"""The tables of the file of responses, and each thing that is done to them. Knows no transaction and no clock."""

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from penstock.frontend.responses.store import Claim, End, Progress, Record, Replay, Tail
from penstock.frontend.responses.writer import Frame

SCHEMA = """
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
FIELDS = "id, tenant, created_s, status, is_background, previous, input, response"
REPLAY = "job IS NOT NULL AND status NOT IN ('queued', 'in_progress')"
UNFINISHED = "status IN ('queued', 'in_progress')"


def changes(db: sqlite3.Connection, sql: str, *values: object) -> bool:
    """Whether there was a row for it."""
    return db.execute(sql, values).rowcount > 0


def insert(db: sqlite3.Connection, record: Record) -> None:
    db.execute(
        f"INSERT INTO responses ({FIELDS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
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


def get(db: sqlite3.Connection, response_id: str, tenant: str) -> Record | None:
    sql = f"SELECT {FIELDS} FROM responses WHERE id = ? AND tenant = ?"
    row = db.execute(sql, (response_id, tenant)).fetchone()
    return None if row is None else _record(row)


def _record(row: Sequence[Any]) -> Record:
    values = dict(zip(FIELDS.split(", "), row, strict=True))
    values["is_background"] = bool(values["is_background"])
    return Record(**values)


def add(db: sqlite3.Connection, response_id: str, progress: Progress) -> None:
    """Behind what is there."""
    if progress.past:
        db.execute("INSERT INTO pasts (id, data) VALUES (?, ?)", (response_id, progress.past))
    db.executemany(
        "INSERT INTO frames (id, number, data) VALUES (?, ?, ?)",
        [(response_id, frame.number, frame.data) for frame in progress.frames],
    )


def left_alone(
    db: sqlite3.Connection, realm: str, now_s: float, but: Collection[str]
) -> tuple[Any, ...] | None:
    """A row whose lease ran out."""
    rows: Iterator[tuple[Any, ...]] = db.execute(
        f"SELECT {FIELDS}, job, num_takeovers FROM responses "
        f"WHERE realm = ? AND leased_until_s < ? AND {UNFINISHED} ORDER BY leased_until_s, id",
        (realm, now_s),
    )
    return next((row for row in rows if row[0] not in but), None)


def claim(db: sqlite3.Connection, row: tuple[Any, ...], owner: str, until_s: float) -> Claim:
    """From a row as `left_alone` gives it."""
    *fields, job, num_takeovers = row
    record = _record(fields)
    db.execute(
        "UPDATE responses SET owner = ?, leased_until_s = ?, num_takeovers = ? WHERE id = ?",
        (owner, until_s, num_takeovers + 1, record.id),
    )
    return Claim(record, job, *_written(db, record.id), num_takeovers + 1)


def replay(db: sqlite3.Connection, response_id: str) -> Replay | None:
    row = db.execute(
        f"SELECT realm, job, leased_until_s FROM responses WHERE id = ? AND {REPLAY}",
        (response_id,),
    ).fetchone()
    if row is None:
        return None
    realm, job, until_s = row
    pasts, _ = _written(db, response_id)
    return Replay(realm, job, b"".join(pasts), until_s)


def drop_replays(db: sqlite3.Connection, now_s: float) -> None:
    """Of those whose time is over."""
    over = f"SELECT id FROM responses WHERE {REPLAY} AND leased_until_s < ?"
    db.execute(f"DELETE FROM pasts WHERE id IN ({over})", (now_s,))
    db.execute(f"UPDATE responses SET job = NULL WHERE id IN ({over})", (now_s,))


def finish(db: sqlite3.Connection, response_id: str, end: End) -> None:
    """Whoever held it does so no longer."""
    db.execute(
        "UPDATE responses SET status = ?, response = ?, job = NULL, owner = NULL WHERE id = ?",
        (end.status, end.response, response_id),
    )
    db.execute("DELETE FROM pasts WHERE id = ?", (response_id,))


def tail(db: sqlite3.Connection, response_id: str, after: int) -> Tail | None:
    """None when it is gone."""
    row = db.execute(f"SELECT {UNFINISHED} FROM responses WHERE id = ?", (response_id,)).fetchone()
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


def num_bytes(db: sqlite3.Connection) -> int:
    """Without what is free within the file."""
    values = [
        db.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    ]
    return int((values[0] - values[1]) * values[2])
