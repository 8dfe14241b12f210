"""The engine core's heart: messages in, plans out, tokens back. Knows the order of things, not how to wait.

Every method takes the time as `now`: the loop (`loop.py`) has the clock.
"""

import logging
import time

import msgspec

from penstock.engine_core.fitting import fit
from penstock.engine_core.frontends import Frontends, Sender, Session
from penstock.engine_core.questions import Questions
from penstock.engine_core.sequence import Sequence
from penstock.engine_core.served_model import ServedModel
from penstock.engine_core.stats import EngineMetrics
from penstock.engine_core.timelines import Timelines
from penstock.engine_core.worker_group import (
    GroupEvent,
    GroupFailed,
    GroupHopeless,
    GroupLoaded,
    GroupReady,
    WorkerGroup,
)
from penstock.protocol import metrics
from penstock.protocol.errors import SettingsError, WireError
from penstock.protocol.messages import (
    PROTOCOL_VERSION,
    Abort,
    Control,
    ControlVerb,
    Embed,
    EngineStats,
    Generate,
    Goodbye,
    Hello,
    Leave,
    Ping,
    Pong,
    RefusalCode,
    Refused,
    Result,
    Up,
    Welcome,
)
from penstock.protocol.plan import Prepared, StepResult, WorkerHello
from penstock.protocol.settings import EngineSettings

log = logging.getLogger("penstock.engine")

LONGEST_WAIT_S = 60.0
STATUS_OK, STATUS_WORKERS_LOST, STATUS_SETTINGS = 0, 1, 2


class EngineCore:
    """Front ends on one side, workers on the other. Ends when `exit_status` is set."""

    def __init__(
        self, settings: EngineSettings, door: Sender, workers: WorkerGroup, epoch: int
    ) -> None:
        self.settings = settings
        self.workers = workers
        self.metrics = EngineMetrics()
        self.frontends = Frontends(door, settings.silence_s, self._abandon)
        self._timelines = Timelines(settings.timelines, settings.timelines_max_age_s)
        self.model: ServedModel | None = None
        self.exit_status: int | None = None
        self._door = door
        self._epoch = epoch
        self._questions = Questions(self._timelines, self._all_metrics, lambda: self.model)
        self._is_ready = False
        self._drain_by: float | None = None

    # ---- the heart

    def step(self, now: float) -> bool:
        """Workers first: their next plan goes out before the front ends get their tokens.

        Whether it brought steps' results and nothing else: no timer is nearer then.
        """
        events = self.workers.poll(now)
        for event in events:
            self._on_workers(event, now)
        if self.model:
            self.model.pipeline.fill(now)
        return bool(events) and self._drain_by is None and all(map(_is_result, events))

    def handle(self, identity: bytes, message: Up | WireError, now: float) -> None:
        """One message of one front end, or the bytes that were none."""
        session = self.frontends.heard(identity, now)
        match message:
            case WireError():
                self._malformed(identity, str(message))
            case Hello():
                self._hello(identity, message, now)
            case _ if session is None:
                self._door.send(identity, Goodbye("say Hello first: this engine does not know you"))
            case Generate():
                self._generate(session, message, now)
            case Embed():
                reason = "this engine generates; it does not embed"
                self._refuse(session, message.id, RefusalCode.UNSUPPORTED, reason)
            case Abort():
                self._abort(session, message, now)
            case Control():
                self._control(session, message, now)
            case Ping():
                self._ping(session, message, now)
            case Leave():
                self.frontends.forget(session, message.reason)

    def tick(self, now: float) -> None:
        """What time alone brings about."""
        self.frontends.lose_silent(now)
        if self.model:
            self.model.intake.expire(now)
        if self._drain_by is not None and self.exit_status is None:
            is_idle = not self.model or not self.model.has_work
            if is_idle or now >= self._drain_by:
                self._end(STATUS_OK, "the engine shuts down")

    def next_timer(self, now: float) -> float:
        """When `tick` or `step` must be called even if nothing arrives."""
        timers = [self.workers.timer, self._drain_by]
        if self.model:
            timers.append(self.model.intake.next_deadline)
        if len(self.frontends):
            timers.append(now + self.settings.heartbeat_s)
        return min([now + LONGEST_WAIT_S, *(t for t in timers if t is not None)])

    # ---- front ends

    def _hello(self, identity: bytes, hello: Hello, now: float) -> None:
        if hello.protocol_version != PROTOCOL_VERSION:
            self._malformed(
                identity,
                f"protocol version {hello.protocol_version}: this engine speaks {PROTOCOL_VERSION}; "
                "run front ends and engine from compatible releases",
            )
            return
        session = self.frontends.hello(identity, hello, now)
        if session is None:
            self._door.send(identity, Goodbye("a younger front end bears this name"))
        elif self._is_ready:
            self._welcome(session)

    def _welcome(self, session: Session) -> None:
        assert self.model is not None
        found = self.model.fit
        self.frontends.send(
            session, Welcome(PROTOCOL_VERSION, self._epoch, found.card, found.limits)
        )

    def _malformed(self, identity: bytes, reason: str) -> None:
        log.warning("refused a message from %r: %s", identity, reason)
        self.metrics.registry.inc("penstock:malformed_messages_total")
        self._door.send(identity, Refused(0, RefusalCode.MALFORMED, reason))

    def _generate(self, session: Session, message: Generate, now: float) -> None:
        if self.model is None:
            reason = "the model is still loading"
            self._refuse(session, message.id, RefusalCode.OVERLOADED, reason, 1.0)
        else:
            self.model.intake.generate(session, message, now)

    def _refuse(
        self,
        session: Session,
        request_id: int,
        code: RefusalCode,
        reason: str,
        retry_after_s: float = 0.0,
    ) -> None:
        self.metrics.refused(code)
        self.frontends.send(session, Refused(request_id, code, reason, retry_after_s))

    def _abort(self, session: Session, message: Abort, now: float) -> None:
        for request_id in message.ids:
            sequence = session.requests.pop(request_id, None)
            if sequence:
                sequence.trace.end(now, "stop" if message.is_complete else "abort")
                self._abandon(sequence)

    def _abandon(self, sequence: Sequence) -> None:
        assert self.model is not None
        self.model.intake.drop(sequence)

    def _control(self, session: Session, message: Control, now: float) -> None:
        if message.verb is ControlVerb.METRICS:
            self._keep_metrics(session, message.payload)
        try:
            answer = self._questions.answer(message, now)
            self.frontends.send(session, Result(message.id, answer))
        except msgspec.DecodeError as error:
            self._refuse(session, message.id, RefusalCode.MALFORMED, str(error))

    def _ping(self, session: Session, message: Ping, now: float) -> None:
        self._keep_metrics(session, message.metrics)
        self.frontends.send(session, Pong(message.seq, self.stats(now)))

    def _keep_metrics(self, session: Session, data: bytes) -> None:
        if not data:
            return
        try:
            session.metrics = metrics.decode(data)
        except WireError as error:
            self._malformed(session.identity, str(error))

    # ---- workers

    def _on_workers(self, event: GroupEvent, now: float) -> None:
        match event:
            case StepResult():
                assert self.model is not None
                outputs, refused = self.model.finish(event, now)
                self.model.intake.give_up(refused, now)
                self.model.pipeline.fill(now)
                self.frontends.deliver(outputs)
            case Prepared():
                assert self.model is not None
                self.metrics.prepared(event)
                self.model.intake.give_up(self.model.preparing.finished(event), now)
            case GroupLoaded(hellos):
                self._loaded(hellos)
            case GroupReady():
                self._ready()
            case GroupFailed(reason):
                log.error("workers failed: %s; starting them again", reason)
                self._recover(now)
            case GroupHopeless(reason):
                log.error("workers failed again and again; giving up. Last: %s", reason)
                self._end(STATUS_WORKERS_LOST, f"the workers cannot be started: {reason}")

    def _loaded(self, hellos: list[WorkerHello]) -> None:
        try:
            if self.model is None:
                found = fit(self.settings, hellos, int(time.time()))
                depth = max(1 + self.settings.async_scheduling, found.config.num_groups)
                self.model = ServedModel(
                    found, self.frontends, self.workers, self.metrics, self._timelines, depth
                )
        except SettingsError as error:
            log.error("%s", error)
            self._end(STATUS_SETTINGS, str(error))
        else:
            self.workers.configure(self.model.fit.configure)

    def _ready(self) -> None:
        assert self.model is not None
        log.info("ready: %s", self.model.summary)
        self._is_ready = True
        self.model.preparing.workers_ready()
        for session in self.frontends:
            self._welcome(session)

    def _recover(self, now: float) -> None:
        self.metrics.registry.inc("penstock:worker_restarts_total")
        if self.model:
            self.model.intake.give_up(self.model.recover(now), now)

    # ---- the whole

    def stats(self, now: float) -> EngineStats:
        load = self.model.load(now) if self.model else EngineStats()
        return msgspec.structs.replace(
            load,
            busy=self.metrics.busy(now),
            num_workers=self.workers.num_alive,
            num_frontends=len(self.frontends),
            draining=self._drain_by is not None,
        )

    def _all_metrics(self, now: float) -> metrics.Snapshot:
        self.metrics.update(self.stats(now), self.frontends.num_lost)
        if self.model:
            self.metrics.update_scheduler(self.model.scheduler)
        return metrics.merge([self.metrics.registry.snapshot(), *self.frontends.snapshots()])

    def drain(self, now: float) -> None:
        """New requests are refused, running ones end well. The second call ends at once."""
        if self._drain_by is None:
            log.info(
                "draining: running requests may finish for %g s (--drain-timeout-s)",
                self.settings.drain_timeout_s,
            )
            self._drain_by = now + self.settings.drain_timeout_s
        else:
            self._drain_by = now
        if self.model:
            self.model.intake.draining = True

    def _end(self, status: int, reason: str) -> None:
        self.exit_status = status
        self.frontends.say_goodbye(reason)


def _is_result(event: GroupEvent) -> bool:
    return isinstance(event, StepResult)
