"""A front end's places under the engine's limits: asked for, held, given up. Knows no socket and no HTTP."""

import asyncio
from collections.abc import Mapping

import msgspec

from penstock.frontend.engine.errors import LimitedError
from penstock.protocol.errors import EngineGoneError
from penstock.protocol.messages import Reserve, Verdict


class Wish(msgspec.Struct, frozen=True):
    """What one request may use; see `Reserve`."""

    subject: str
    certain: int
    possible: int
    resumes: bool = False


class Reservation:
    """One request's place, from `reserve` to `settle`."""

    def __init__(self, reservation_id: int, wish: Wish) -> None:
        self.id = reservation_id
        self.wish = wish
        self.verdict: Verdict | None = None
        self.num_done = 0
        """Tokens of its streams that are over."""
        self._num_settled = 0
        self._answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def granted(self) -> None:
        """Raises LimitedError when it is denied, EngineGoneError when no engine came to say so."""
        await self._answered
        assert self.verdict is not None
        if not self.verdict.is_granted:
            raise LimitedError(self.verdict)

    def answer(self, verdict: Verdict) -> None:
        """Only the first counts: once granted, it stays so in every engine."""
        if not self._answered.done():
            self.verdict = verdict
            self._answered.set_result(None)

    def give_up(self, reason: str) -> None:
        if not self._answered.done():
            self._answered.set_exception(EngineGoneError(reason))

    def message(self) -> Reserve:
        return Reserve(self.id, *msgspec.structs.astuple(self.wish))

    def again(self, num_streaming: int, engine_died: bool) -> Reserve:
        """For another engine, or one that forgot us. One that did not die has counted what was used so far."""
        if self.verdict is None:
            return self.message()
        num_tokens = self.num_done + num_streaming
        used = self.wish.certain + num_tokens
        if not engine_died:
            self._num_settled = used
        left = max(0, self.wish.possible - num_tokens)
        return Reserve(self.id, self.wish.subject, used - self._num_settled, left, resumes=True)


class Reservations:
    """All that are open."""

    def __init__(self) -> None:
        self._open: dict[int, Reservation] = {}
        self._to_settle: list[int] = []

    def open(self, reservation_id: int, wish: Wish) -> Reservation:
        reservation = self._open[reservation_id] = Reservation(reservation_id, wish)
        return reservation

    def answer(self, verdict: Verdict) -> None:
        """What comes too late finds nobody."""
        if reservation := self._open.get(verdict.id):
            reservation.answer(verdict)

    def close(self, reservation: Reservation) -> None:
        self._open.pop(reservation.id, None)

    def settle_later(self, reservation: Reservation) -> None:
        """There is no engine now; the next one may be the one that knows it."""
        self._to_settle.append(reservation.id)

    def done(self, reservation_id: int, num_tokens: int) -> None:
        """One of its streams is over."""
        if reservation := self._open.get(reservation_id):
            reservation.num_done += num_tokens

    def hand_over(
        self, num_streaming: Mapping[int, int], engine_died: bool
    ) -> tuple[list[int], list[Reserve]]:
        """Ids to settle, and all open ones, by what their open streams brought."""
        stale, self._to_settle = self._to_settle, []
        return stale, [
            r.again(num_streaming.get(r.id, 0), engine_died) for r in self._open.values()
        ]

    def give_up(self, reason: str) -> None:
        """No engine came for those that wait for an answer."""
        for reservation in self._open.values():
            reservation.give_up(reason)
