"""The front ends that are connected, and what each has asked for. Knows their lives, not sequences or sockets."""

import logging
from collections.abc import Callable, Iterator
from typing import Protocol

from penstock.engine_core.sequence import Sequence
from penstock.protocol import metrics
from penstock.protocol.codec import MAX_FRAME_BYTES
from penstock.protocol.messages import Delta, Down, Goodbye, Hello, Tokens
from penstock.protocol.metrics import Snapshot

log = logging.getLogger("penstock.engine")

MAX_LOGPROB_BYTES = MAX_FRAME_BYTES // 2


class Sender(Protocol):
    def send(self, identity: bytes, message: Down) -> bool: ...


class Session:
    """One life of one front end."""

    __slots__ = ("epoch", "frontend_id", "identity", "last_seen", "metrics", "requests")

    def __init__(self, hello: Hello, identity: bytes, now: float) -> None:
        self.frontend_id = hello.frontend_id
        self.epoch = hello.epoch
        self.identity = identity
        self.last_seen = now
        self.metrics = Snapshot()
        self.requests: dict[int, Sequence] = {}


class RetiredTotals:
    """The counters of front ends that are gone, so that no sum ever falls.

    One that was only silent may return in the same life, counters and all: the last ones gone are
    kept apart for so long, and everything older is one sum.
    """

    MAX_APART = 64

    def __init__(self) -> None:
        self._sum = Snapshot()
        self._apart: dict[str, tuple[int, Snapshot]] = {}

    def left(self, session: Session) -> None:
        self._apart[session.frontend_id] = (session.epoch, session.metrics.retired())
        if len(self._apart) > self.MAX_APART:
            self._add(self._apart.pop(next(iter(self._apart)))[1])

    def returned(self, hello: Hello) -> None:
        epoch, snapshot = self._apart.pop(hello.frontend_id, (hello.epoch, Snapshot()))
        if epoch != hello.epoch:
            self._add(snapshot)

    def _add(self, snapshot: Snapshot) -> None:
        self._sum = metrics.merge([self._sum, snapshot])

    def snapshots(self) -> list[Snapshot]:
        return [self._sum, *(snapshot for _, snapshot in self._apart.values())]


class Frontends:
    """Sessions by id and by ROUTER identity. `abandon` is told of every request whose front end is gone."""

    def __init__(self, door: Sender, silence_s: float, abandon: Callable[[Sequence], None]) -> None:
        self.num_lost = 0
        self._door = door
        self._silence_s = silence_s
        self._abandon = abandon
        self._by_id: dict[str, Session] = {}
        self._by_identity: dict[bytes, Session] = {}
        self._totals = RetiredTotals()

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._by_id.values()))

    def hello(self, identity: bytes, hello: Hello, now: float) -> Session | None:
        """The session from now on; None when a younger life of the same front end is already here."""
        known = self._by_id.get(hello.frontend_id)
        if known and known.epoch > hello.epoch:
            return None
        self._clear(identity, hello.frontend_id)
        if known and known.epoch == hello.epoch:
            self._move(known, identity)
            known.last_seen = now
            return known
        if known:
            self.forget(known, f"replaced by epoch {hello.epoch}")
        return self._open(identity, hello, now)

    def _clear(self, identity: bytes, frontend_id: str) -> None:
        """An identity is one front end: another that bore it until now is gone."""
        other = self._by_identity.get(identity)
        if other and other.frontend_id != frontend_id:
            self.forget(other, f"now {frontend_id}")

    def _open(self, identity: bytes, hello: Hello, now: float) -> Session:
        self._totals.returned(hello)
        session = Session(hello, identity, now)
        self._by_id[hello.frontend_id] = self._by_identity[identity] = session
        log.info("front end %s (epoch %d) connected", hello.frontend_id, hello.epoch)
        return session

    def _move(self, session: Session, identity: bytes) -> None:
        del self._by_identity[session.identity]
        session.identity = identity
        self._by_identity[identity] = session

    def heard(self, identity: bytes, now: float) -> Session | None:
        """Whose identity this is."""
        session = self._by_identity.get(identity)
        if session:
            session.last_seen = now
        return session

    def is_here(self, session: Session) -> bool:
        return self._by_id.get(session.frontend_id) is session

    def send(self, session: Session, message: Down) -> None:
        """A front end that cannot be reached is gone."""
        if not self._door.send(session.identity, message):
            self.lose(session, "its connection is gone")

    def deliver(self, outputs: list[tuple[Sequence, Delta]]) -> None:
        """To each front end its deltas, in as few messages as they fit; a finished sequence leaves its session."""
        by_owner: dict[object, list[Delta]] = {}
        for sequence, delta in outputs:
            deltas = by_owner.get(sequence.owner)
            if deltas is None:
                deltas = by_owner[sequence.owner] = []
            deltas.append(delta)
            if delta.finish is not None:
                assert isinstance(sequence.owner, Session)
                sequence.owner.requests.pop(sequence.id, None)
        for session, deltas in by_owner.items():
            assert isinstance(session, Session)
            for fitting in _messages(deltas):
                self.send(session, Tokens(fitting))

    def lose_silent(self, now: float) -> None:
        for session in self:
            if now - session.last_seen > self._silence_s:
                self.lose(session, f"silent for {now - session.last_seen:.1f} s")

    def lose(self, session: Session, why: str) -> None:
        """It ended without a word."""
        self.num_lost += self._by_id.get(session.frontend_id) is session
        self.forget(session, why, logging.WARNING)

    def forget(self, session: Session, why: str, level: int = logging.INFO) -> None:
        """Its requests end; its counters stay in the sum, so that none ever falls."""
        if self._by_id.get(session.frontend_id) is not session:
            return
        log.log(
            level,
            "front end %s is gone (%s): %d requests aborted",
            *(session.frontend_id, why, len(session.requests)),
        )
        del self._by_id[session.frontend_id], self._by_identity[session.identity]
        self._totals.left(session)
        requests, session.requests = session.requests, {}
        for sequence in requests.values():
            sequence.trace.end(session.last_seen, "frontend_gone")
            self._abandon(sequence)

    def snapshots(self) -> list[Snapshot]:
        """The metrics of all front ends that are and were."""
        return [*self._totals.snapshots(), *(session.metrics for session in self)]

    def say_goodbye(self, reason: str) -> None:
        for session in self:
            self._door.send(session.identity, Goodbye(reason))


def _messages(deltas: list[Delta]) -> Iterator[list[Delta]]:
    """Log probabilities of whole vocabularies, for many rows, outgrow what one frame may hold."""
    batch: list[Delta] = []
    num_bytes = 0
    if all(delta.logprobs is None and delta.prompt_logprobs is None for delta in deltas):
        yield deltas
        return
    for delta in deltas:
        added = _num_logprob_bytes(delta)
        if batch and num_bytes + added > MAX_LOGPROB_BYTES:
            yield batch
            batch, num_bytes = [], 0
        batch.append(delta)
        num_bytes += added
    yield batch


def _num_logprob_bytes(delta: Delta) -> int:
    if delta.logprobs is None and delta.prompt_logprobs is None:
        return 0
    parts = (delta.logprobs, delta.prompt_logprobs)
    return sum(len(part.ids) + len(part.values) + len(part.ranks) for part in parts if part)
