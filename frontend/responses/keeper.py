"""Puts finished responses away while their clients go on. Knows the store, not how responses came about."""

import asyncio
import logging
import time

from penstock.frontend.engine.mailbox import Update
from penstock.frontend.responses.errors import StoreError
from penstock.frontend.responses.job import Job, encode, encode_past
from penstock.frontend.responses.store import Record, Replay, Store

log = logging.getLogger("penstock.responses")

PATIENCE_S = 0.5
"""So long an answer's end waits until it is kept: whoever has the end asks for it at once, at any front end."""
MAX_REPLAY_BYTES = 8 << 20
MAX_WAITING_BYTES = 64 << 20
"""Of responses that wait for a store that does not answer; more are not kept."""


class Keeper:
    """One for each front end; `close` before the store is."""

    def __init__(self, store: Store, realm: str, resume_s: float) -> None:
        self._store, self._realm, self._resume_s = store, realm, resume_s
        self._waiting: dict[asyncio.Task[None], int] = {}
        """By task how many bytes."""

    @property
    def keeps_replays(self) -> bool:
        return self._resume_s > 0

    def replay(self, job: Job, past: list[Update]) -> Replay | None:
        """What to keep of an answer in the foreground, so that its events can be had again. None: nothing."""
        data = encode_past(past)
        if not self.keeps_replays or len(data) > MAX_REPLAY_BYTES:
            return None
        return Replay(self._realm, encode(job), data, time.time() + self._resume_s)

    async def keep(self, record: Record, replay: Replay | None) -> None:
        """Returns when it is kept, or after `PATIENCE_S`: then it is kept later. It never raises StoreError."""
        if task := self.put(record, replay):
            await asyncio.wait([task], timeout=PATIENCE_S)

    def put(self, record: Record, replay: Replay | None) -> asyncio.Task[None] | None:
        """Nobody needs to wait for it. None where too many wait for the store already."""
        num_bytes = record.num_bytes + (len(replay.job) + len(replay.past) if replay else 0)
        if self._waiting and sum(self._waiting.values()) + num_bytes > MAX_WAITING_BYTES:
            log.warning("%s is not kept: the store does not answer", record.id)
            return None
        task = asyncio.create_task(self._put(record, replay))
        self._waiting[task] = num_bytes
        task.add_done_callback(self._waiting.pop)
        return task

    async def close(self) -> None:
        await asyncio.gather(*self._waiting)

    async def _put(self, record: Record, replay: Replay | None) -> None:
        try:
            await self._store.put(record, replay)
        except StoreError as error:
            log.warning("%s could not be kept: %s", record.id, error)
        except Exception:
            log.exception("%s could not be kept", record.id)
