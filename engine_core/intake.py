"""Requests on their way into the scheduler: refused, queued, or dropped when too late. Knows no batch and no worker."""

from penstock.engine_core import admission
from penstock.engine_core.admission import Refusal, Rejection
from penstock.engine_core.deadlines import Deadlines
from penstock.engine_core.frontends import Frontends, Session
from penstock.engine_core.limits import Denial, Metering
from penstock.engine_core.preparing import Preparing
from penstock.engine_core.scheduler import Scheduler
from penstock.engine_core.sequence import Sequence, State
from penstock.engine_core.soundness import Soundness
from penstock.engine_core.stats import EngineMetrics
from penstock.engine_core.timelines import Timelines
from penstock.protocol.messages import Generate, RefusalCode, Refused
from penstock.protocol.token_ids import BYTES_PER_ID, count, unpack

MAX_ATTEMPTS = 3
"""A request that ran in so many engines that died is not run again."""
RETRY_BOUNDS_S = (1.0, 60.0)


class Intake:
    """`generate` takes a request in; `expire` drops those whose first token did not come in time."""

    def __init__(
        self,
        scheduler: Scheduler,
        preparing: Preparing,
        soundness: Soundness,
        frontends: Frontends,
        metering: Metering,
        metrics: EngineMetrics,
        timelines: Timelines,
    ) -> None:
        self.draining = False
        self._scheduler = scheduler
        self._preparing = preparing
        self._soundness = soundness
        self._frontends = frontends
        self._metering = metering
        self._metrics = metrics
        self._timelines = timelines
        self._deadlines = Deadlines()

    def generate(self, session: Session, message: Generate, now: float) -> None:
        match self._metering.enter(session, message, now):
            case Denial() as denial:
                self._say_no(session, message.id, denial.rejection, denial.retry_after_s)
            case reservation:
                sequence = self._examine(session, message, now)
                if sequence and reservation:
                    reservation.add(sequence)
                self._metering.entered(reservation, now)

    def _examine(self, session: Session, message: Generate, now: float) -> Sequence | None:
        """None when it is refused."""
        rejection = self._unfit(session, message)
        if rejection:
            self._timelines.refused(session, message, rejection.code, now)
            self._refuse(session, message.id, rejection, now)
            return None
        sequence = _sequence(session, message, now)
        self._timelines.queued(session, message, sequence.trace, now)
        held = sequence.params.constraint is not None
        match self._soundness.examine(sequence) or self._scheduler.add(sequence, held):
            case Rejection() as rejection:
                sequence.trace.end(now, rejection.code)
                self._refuse(session, message.id, rejection, now)
                return None
            case None:
                self._let_in(session, message, sequence, now)
            case output:
                assert output[1].finish is not None
                sequence.trace.end(now, output[1].finish.name.lower())
                self._frontends.deliver([output])
        return sequence

    def _let_in(self, session: Session, message: Generate, sequence: Sequence, now: float) -> None:
        session.requests[message.id] = sequence
        if message.deadline_s > 0:
            self._deadlines.add(now + message.deadline_s, session, message.id)
        if sequence.state is State.HELD and (rejection := self._preparing.hold(sequence)):
            self.give_up([(sequence, rejection)], now)

    def drop(self, sequence: Sequence) -> None:
        """Forgets it, wherever it is. May be called twice."""
        self._scheduler.drop(sequence)
        self._preparing.left(sequence)

    def give_up(self, refused: list[Refusal], now: float) -> None:
        """They had been let in. Nothing is said of those that have ended."""
        for sequence, rejection in refused:
            session = sequence.owner
            assert isinstance(session, Session)
            if session.requests.get(sequence.id) is sequence:
                self.drop(session.requests.pop(sequence.id))
                sequence.trace.end(now, rejection.code)
                self._refuse(session, sequence.id, rejection, now)

    def _unfit(self, session: Session, message: Generate) -> Rejection | None:
        if self.draining:
            return Rejection(RefusalCode.DRAINING, "this engine is shutting down")
        if message.attempt >= MAX_ATTEMPTS:
            return Rejection(
                RefusalCode.POISONED, f"{message.attempt} engines died while they ran this request"
            )
        if message.id in session.requests:
            return Rejection(RefusalCode.MALFORMED, f"request id {message.id} is in use")
        if (len(message.prompt) | len(message.emitted)) % BYTES_PER_ID:
            return Rejection(RefusalCode.MALFORMED, "token ids are packed into 4 bytes each")
        return admission.misfits(  # before they are unpacked: a frame may hold millions
            count(message.prompt), count(message.emitted), self._scheduler.config
        )

    @property
    def next_deadline(self) -> float | None:
        return self._deadlines.next

    def expire(self, now: float) -> None:
        """Past their deadline without a first token, requests are dropped."""
        for _, sequence in self._deadlines.missed(now):
            late = f"no token came within {now - sequence.arrived_at:.1f} s"
            self.give_up([(sequence, Rejection(RefusalCode.DEADLINE, late))], now)

    def _refuse(self, session: Session, request_id: int, rejection: Rejection, now: float) -> None:
        may_retry = rejection.code in (RefusalCode.OVERLOADED, RefusalCode.DRAINING)
        retry_after_s = self.retry_after_s(now) if may_retry else 0.0
        self._say_no(session, request_id, rejection, retry_after_s)

    def _say_no(
        self, session: Session, request_id: int, rejection: Rejection, retry_after_s: float
    ) -> None:
        self._metrics.rejected(rejection)
        refused = Refused(request_id, rejection.code, rejection.message, retry_after_s)
        self._frontends.send(session, refused)

    def retry_after_s(self, now: float) -> float:
        """When the queue of now will have been served, at the pace of the last seconds."""
        least, most = RETRY_BOUNDS_S
        pace = self._metrics.tokens_per_s(now)
        return min(most, max(least, self._scheduler.waiting.num_tokens / pace)) if pace else least


def _sequence(session: Session, message: Generate, now: float) -> Sequence:
    sequence = Sequence(
        message.id,
        unpack(message.prompt),
        message.params,
        emitted=unpack(message.emitted),
        priority=message.priority,
        num_crashes=message.attempt,
        tenant=message.tenant,
        salt=message.cache_salt,
        owner=session,
        name=message.name,
    )
    sequence.arrived_at = now
    return sequence
