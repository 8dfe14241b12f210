"""Keeps responses in Redis, for front ends on several hosts. Knows fields and scripts, not what is in their blobs."""

from collections.abc import Collection, Sequence
from typing import Any

from redis.asyncio import Redis

from penstock.frontend.responses.chain import Chain
from penstock.frontend.responses.redis_link import RedisLink
from penstock.frontend.responses.redis_scripts import SCRIPTS
from penstock.frontend.responses.shapes import UNFINISHED
from penstock.frontend.responses.store import (
    Claim,
    End,
    Holder,
    Progress,
    Record,
    Replay,
    Tail,
)
from penstock.frontend.responses.writer import Frame

PREFIX = b"penstock:responses:"
PRUNED_AT_A_TIME = 64
_FIELDS = Record.__struct_fields__


class RedisStore:
    """See `Store`. Leases count by the clock of Redis, so those of the hosts need not agree."""

    def __init__(self, url: str, max_age_s: float, max_bytes: int) -> None:
        """Raises ValueError for what is no URL of a Redis. Connects when it is first used."""
        self._link = RedisLink(url, PREFIX, SCRIPTS)
        self._max_age_s, self._max_bytes = max_age_s, max_bytes

    async def put(self, record: Record, replay: Replay | None = None) -> None:
        values = _values(record)
        if replay is None:
            await self._link.script("PUT", record.id, record.created_s, *values)
            return
        head = (record.id, record.created_s, replay.realm, replay.job, replay.until_s, replay.past)
        await self._link.script("PUT_WITH_REPLAY", *head, *values)

    async def replay(self, response_id: str) -> Replay | None:
        found = await self._link.script("REPLAY", response_id)
        if found is None:
            return None
        realm, job, pasts, until_s = found
        return Replay(realm.decode(), job, b"".join(pasts), float(until_s))

    async def resume(self, response_id: str, owner: str, lease_s: float) -> Claim | None:
        return await self._claimed(await self._link.script("RESUME", response_id, owner, lease_s))

    async def begin(
        self, record: Record, realm: str, job: bytes, owner: str, lease_s: float, opening: Progress
    ) -> None:
        values, frames = _values(record), [frame.data for frame in opening.frames]
        head = (record.id, record.created_s, realm, job, owner, lease_s, opening.past, len(values))
        await self._link.script("BEGIN", *head, *values, *frames)

    async def get(self, response_id: str, tenant: str) -> Record | None:
        record = await self._record(response_id)
        return record if record is not None and record.tenant == tenant else None

    async def chain(self, response_id: str, tenant: str, max_bytes: int) -> list[Record]:
        chain = Chain(response_id, max_bytes)
        while chain.wanted is not None:
            chain.add(await self.get(chain.wanted, tenant))
        return chain.records[::-1]

    async def delete(self, response_id: str, tenant: str) -> bool:
        return bool(await self._link.script("DELETE", response_id, tenant))

    async def cancel(self, response_id: str, tenant: str, response: bytes) -> bool:
        return bool(await self._link.script("CANCEL", response_id, tenant, response))

    async def tail(self, response_id: str, after: int) -> Tail | None:
        status, data = await self._link.ask(
            lambda redis: _status_and_frames(redis, response_id, after + 1)
        )
        if status is None:
            return None
        frames = [Frame(number, each) for number, each in enumerate(data, after + 1)]
        return Tail(frames, status.decode() not in UNFINISHED)

    async def append(
        self, response_id: str, holder: Holder, progress: Progress, end: End | None
    ) -> bool:
        status, response = ("", b"") if end is None else end
        number = progress.frames[0].number if progress.frames else 0
        frames = [frame.data for frame in progress.frames]
        head = (response_id, *holder, progress.past, status, response, number)
        return bool(await self._link.script("APPEND", *head, *frames))

    async def renew(self, response_ids: Sequence[str], owner: str, lease_s: float) -> set[str]:
        mine = await self._link.script("RENEW", owner, lease_s, *response_ids)
        return {each.decode() for each in mine}

    async def release(self, realm: str, owner: str) -> None:
        await self._link.script("RELEASE", realm, owner)

    async def claim(
        self, realm: str, owner: str, lease_s: float, but: Collection[str] = ()
    ) -> Claim | None:
        return await self._claimed(await self._link.script("CLAIM", realm, owner, lease_s, *but))

    async def _claimed(self, found: Any) -> Claim | None:
        if found is None:
            return None
        response_id, job, pasts, num_frames, num_takeovers = found
        record = await self._record(response_id.decode())
        return None if record is None else Claim(record, job, pasts, num_frames, num_takeovers)

    async def prune(self, now_s: float) -> None:
        await self._link.script("DROP_REPLAYS", now_s)
        skipped = 0
        while skipped >= 0:
            skipped = await self._link.script(
                "PRUNE", now_s - self._max_age_s, self._max_bytes, skipped, PRUNED_AT_A_TIME
            )

    async def close(self) -> None:
        await self._link.close()

    async def _record(self, response_id: str) -> Record | None:
        key = _key("r", response_id)
        values: list[Any] = await self._link.ask(lambda redis: redis.hmget(key, _FIELDS))
        return None if values[0] is None else _record(values)


def _key(kind: str, response_id: str) -> bytes:
    return PREFIX + f"{kind}:{response_id}".encode()


async def _status_and_frames(redis: Redis, response_id: str, first: int) -> Any:
    """Of one moment."""
    async with redis.pipeline(transaction=True) as both:
        both.hget(_key("r", response_id), "status")
        both.lrange(_key("f", response_id), first, -1)
        return await both.execute()


def _values(record: Record) -> list[bytes | str | float]:
    """Names and values of its fields, in turn; None is left out."""
    values = {name: getattr(record, name) for name in _FIELDS}
    values["is_background"] = int(record.is_background)
    return [each for name, value in values.items() if value is not None for each in (name, value)]


def _record(values: Sequence[Any]) -> Record:
    found = dict(zip(_FIELDS, values, strict=True))
    previous = found["previous"]
    return Record(
        id=found["id"].decode(),
        tenant=found["tenant"].decode(),
        created_s=float(found["created_s"]),
        status=found["status"].decode(),
        is_background=found["is_background"] == b"1",
        previous=None if previous is None else previous.decode(),
        input=found["input"],
        response=found["response"],
    )
