"""Runs responses that nobody waits for, and those whose front end died. Knows leases, not what is written."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from penstock.frontend.api.answer_rules import AnswerRules
from penstock.frontend.engine.client import EngineClient
from penstock.frontend.engine.mailbox import Update
from penstock.frontend.engine.reservations import Reservation
from penstock.frontend.errors import translate
from penstock.frontend.generation import generate
from penstock.frontend.metering import resumed
from penstock.frontend.responses.errors import StoreError
from penstock.frontend.responses.given_up import given_up
from penstock.frontend.responses.job import Job, decode, decode_pasts, encode
from penstock.frontend.responses.journal import Journal, LostError
from penstock.frontend.responses.keeper import Keeper
from penstock.frontend.responses.store import (
    Claim,
    Holder,
    Progress,
    Record,
    Store,
)
from penstock.frontend.text.tokenizer import Tokenizer
from penstock.protocol.metrics import Registry

log = logging.getLogger("penstock.responses")

LEASE_S = 4.0
BEAT_S = 1.0
"""Four beats fit into a lease, so that a busy moment costs nobody his response."""
PRUNE_S = 30.0
MAX_TAKEOVERS = 5
"""Whatever ends one front end after another may be the response itself."""


class Background:
    """One for each front end. `start` on the running loop, `close` before it ends."""

    def __init__(
        self,
        store: Store,
        realm: str,
        client: EngineClient,
        answers: AnswerRules,
        tokenizer: Tokenizer,
        registry: Registry,
        resume_s: float,
    ) -> None:
        self._store, self._realm, self._registry = store, realm, registry
        self.keeper = Keeper(store, realm, resume_s)
        self._client, self._answers, self._tokenizer = client, answers, tokenizer
        self._owner = f"{client.frontend_id}/{client.epoch}"
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._journals: dict[str, Journal] = {}
        self._keeper: asyncio.Task[None] | None = None
        self._pruned_s = 0.0

    async def start(self) -> None:
        self._keeper = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """Leaves what is unfinished to others, at once."""
        tasks = [*self._tasks.values(), *([self._keeper] if self._keeper else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, self.keeper.close(), return_exceptions=True)
        if tasks:
            with contextlib.suppress(StoreError):  # then the leases run out by themselves
                await self._store.release(self._realm, self._owner)

    async def begin(self, record: Record, job: Job, reservation: Reservation | None) -> None:
        """From now on the response comes about, whatever happens to who asked for it; so does its settlement."""
        frames = job.writer(self._answers, self._tokenizer).opening()
        opening = Progress(b"", frames)
        await self._store.begin(record, self._realm, encode(job), self._owner, LEASE_S, opening)
        self._run(job, [], len(frames), Holder(self._owner), reservation)

    async def go_on(self, response_id: str, reservation: Reservation | None) -> None:
        """From where its client left it, unless somebody else does already; `reservation` is settled in any case."""
        with contextlib.ExitStack() as undo:
            if reservation:
                undo.callback(self._client.settle, reservation)
            claim = await self._store.resume(response_id, self._owner, LEASE_S)
            if claim is not None and await self._adopt(claim, reservation):
                undo.pop_all()

    def changed(self, response_id: str) -> asyncio.Event | None:
        """Of a response that is being written here."""
        journal = self._journals.get(response_id)
        return None if journal is None else journal.changed

    def stop(self, response_id: str) -> None:
        """It was cancelled or deleted; where it is written elsewhere, that front end will notice."""
        if task := self._tasks.get(response_id):
            task.cancel()

    # ---- one response

    def _run(
        self,
        job: Job,
        past: Sequence[Update],
        num_frames: int,
        holder: Holder,
        reservation: Reservation | None = None,
    ) -> None:
        writer = job.writer(self._answers, self._tokenizer)
        journal = Journal(self._store, holder, writer, len(past), num_frames)
        response_id = job.response.id
        if reservation:
            job = replace(job, valid=replace(job.valid, reservation=reservation.id))
        task = asyncio.create_task(self._write(job, past, journal))
        self._tasks[response_id], self._journals[response_id] = task, journal
        task.add_done_callback(lambda _: self._forget(response_id, journal, reservation))

    def _forget(self, response_id: str, journal: Journal, reservation: Reservation | None) -> None:
        """Unless another of this front end's has gone on with it, under another lease."""
        if self._journals.get(response_id) is journal:
            del self._tasks[response_id], self._journals[response_id]
        journal.changed.set()
        if reservation:
            self._client.settle(reservation)

    async def _write(self, job: Job, past: Sequence[Update], journal: Journal) -> None:
        try:
            await self._generate(job, past, journal)
        except LostError:
            log.info("%s was cancelled or taken over", job.response.id)
        except StoreError as error:
            log.warning("%s waits for the store: %s", job.response.id, error)
        except Exception:
            log.exception("%s could not be written down", job.response.id)

    async def _generate(self, job: Job, past: Sequence[Update], journal: Journal) -> None:
        try:
            async with resumed(job.valid, past, self._client) as valid:
                await generate(valid, self._client, self._tokenizer, journal, past)
        except (LostError, StoreError):
            raise  # whoever gets its lease goes on with it
        except Exception as error:
            await journal.fail(translate(error, job.valid.name))
        else:
            journal.tally.record(self._registry)
            await journal.end()

    # ---- all of them

    async def _keep(self) -> None:
        is_well = True
        while True:
            try:
                await self._beat()
            except StoreError as error:
                if is_well:
                    log.warning("the store of responses is out of order: %s", error)
                is_well = False
            except Exception:
                log.exception("responses in the background are not looked after")
            else:
                is_well = True
            await asyncio.sleep(BEAT_S)

    async def _beat(self) -> None:
        now_s = time.time()
        if running := list(self._tasks):
            mine = await self._store.renew(running, self._owner, LEASE_S)
            for response_id in set(running) - mine:
                self.stop(response_id)
        if self._client.is_ready:
            await self._take_over()
        if now_s > self._pruned_s + PRUNE_S:
            self._pruned_s = now_s
            await self._store.prune(now_s)

    async def _take_over(self) -> None:
        """Not what runs here: behind a lock a lease may run out while its owner waits to renew it."""
        while claim := await self._store.claim(self._realm, self._owner, LEASE_S, but=self._tasks):
            log.warning("%s goes on here: its front end is gone", claim.record.id)
            await self._adopt(claim)

    async def _adopt(self, claim: Claim, reservation: Reservation | None = None) -> bool:
        """Whether it goes on, and settles `reservation` in the end."""
        if claim.num_takeovers > MAX_TAKEOVERS:
            await self._give_up(claim, f"{claim.num_takeovers} front ends died of it")
            return False
        try:
            job, past = decode(claim.job), decode_pasts(claim.pasts)
        except msgspec.DecodeError as error:  # another version wrote it
            await self._give_up(claim, f"it cannot be read: {error}")
            return False
        holder = Holder(self._owner, claim.num_takeovers)
        self._run(job, past, claim.num_frames, holder, reservation)
        return True

    async def _give_up(self, claim: Claim, reason: str) -> None:
        log.error("%s is given up: %s", claim.record.id, reason)
        holder = Holder(self._owner, claim.num_takeovers)
        await self._store.append(claim.record.id, holder, *given_up(claim, reason))
