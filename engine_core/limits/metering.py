"""The ledger among front ends: what they ask, who of them is gone, what outlives an engine. Knows no batch."""

from collections.abc import Iterable

from penstock.engine_core.frontends import Frontends, Session
from penstock.engine_core.limits.ledger import Denial, Ledger
from penstock.engine_core.limits.reservation import Reservation
from penstock.engine_core.limits.rules import Kind
from penstock.engine_core.limits.sources import RuleSource
from penstock.engine_core.limits.state_file import StateFile
from penstock.protocol.messages import Generate, Reserve, Verdict
from penstock.protocol.metrics import Registry
from penstock.protocol.token_ids import count


class Metering:
    """`reserve`, `settle`, `enter` as front ends ask; `tick` after whatever happened; `start` and `close` once."""

    def __init__(
        self,
        source: RuleSource,
        frontends: Frontends,
        registry: Registry,
        state: StateFile | None = None,
    ) -> None:
        self._source, self._frontends = source, frontends
        self._registry, self._state = registry, state
        self._ledger = Ledger(source.book)
        self._open: dict[Session, dict[int, Reservation]] = {}
        self._has_news = False
        """Whether the file lacks something."""

    def start(self, now: float) -> None:
        """Goes on from what the last engine had counted."""
        if self._state:
            self._ledger.restore(*self._state.read(), now)

    @property
    def is_on(self) -> bool:
        """Whether anything is bound at all."""
        return not self._source.book.is_empty

    def rebind(self) -> None:
        """The bounds have changed."""
        self._ledger.rebind(self._source.book)

    # ---- front ends ask

    def reserve(self, session: Session, message: Reserve, now: float) -> Verdict:
        self.settle(session, [message.id], now)
        if self._source.meet(message.subject, now):
            self.rebind()
        asked = Reservation(message.subject, max(0, message.certain), max(0, message.possible))
        denial = self._take(asked, message.resumes, now)
        if denial is None:
            self._open.setdefault(session, {})[message.id] = asked
        return self._verdict(message, denial, now)

    def settle(self, session: Session, ids: Iterable[int], now: float) -> None:
        mine = self._open.get(session, {})
        for reservation in [mine.pop(id_) for id_ in ids if id_ in mine]:
            self._close(reservation, now)

    def enter(self, session: Session, message: Generate, now: float) -> Reservation | Denial | None:
        """Under what a Generate runs; `entered` is to be told what became of it.

        What nobody reserved is a request of its own. None where nothing is counted.
        """
        reserved = self._open.get(session, {}).get(message.reservation)
        if reserved or not self.is_on or message.id in session.requests:
            return reserved
        certain, possible = count(message.prompt), max(0, message.params.max_tokens)
        alone = Reservation(message.tenant, certain, possible, is_alone=True)
        return self._take(alone, bool(message.emitted or message.attempt), now) or alone

    def entered(self, reservation: Reservation | None, now: float) -> None:
        """It was let in, or refused."""
        if reservation and reservation.is_alone:
            reservation.use_up()
            self._close(reservation, now)

    # ---- time passes

    def tick(self, now: float) -> None:
        """Settles for those who are gone, and writes down what was counted."""
        for session in [s for s in self._open if not self._frontends.is_here(s)]:
            self._forget(session, now)
        if self._has_news and self._state and self._state.is_due(now):
            self._write(now)

    def close(self, now: float) -> None:
        """Nothing runs any more."""
        for session in list(self._open):
            self._forget(session, now)
        self._write(now)

    # ---- parts

    def _write(self, now: float) -> None:
        self._has_news = False
        if self._state:
            self._state.write(self._ledger.counts(now), now)

    def _forget(self, session: Session, now: float) -> None:
        for reservation in self._open.pop(session).values():
            self._close(reservation, now)

    def _take(self, asked: Reservation, resumes: bool, now: float) -> Denial | None:
        self._has_news = True
        if resumes:
            self._ledger.resume(asked, now)
            return None
        denial = self._ledger.reserve(asked, now)
        if denial:
            self._registry.inc("penstock:rate_limited_total", limit=denial.rule)
        return denial

    def _close(self, reservation: Reservation, now: float) -> None:
        subject, num_requests = reservation.subject, reservation.num_requests
        if reservation.was_let_in and self._source.book.is_holder(subject):
            self._registry.inc("penstock:key_requests_total", num_requests, key=subject)
            self._registry.inc("penstock:key_tokens_total", reservation.num_used, key=subject)
        self._ledger.settle(reservation, now)
        self._has_news = True

    def _verdict(self, message: Reserve, denial: Denial | None, now: float) -> Verdict:
        meters = [self._ledger.meter(message.subject, kind, now) for kind in Kind]
        if denial is None:
            return Verdict(message.id, True, "", 0.0, *meters)
        return Verdict(message.id, False, denial.message, denial.retry_after_s, *meters)
