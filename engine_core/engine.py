"""The engine core's heart: messages in, plans out, tokens back. Knows the order of things, not how to wait.

Every method takes the time as `now`: the loop (`loop.py`) has the clock.
"""

import logging
import time
from collections.abc import Callable

import msgspec

from penstock.engine_core.complaints import Complaints, other_version
from penstock.engine_core.conversation import Conversation
from penstock.engine_core.fitting import fit
from penstock.engine_core.frontends import Frontends, Sender, Session
from penstock.engine_core.limits import Metering, RuleSource, state_file
from penstock.engine_core.reports import Reports
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
    GroupRefused,
    WorkerGroup,
)
from penstock.protocol.errors import SettingsError, WireError
from penstock.protocol.messages import (
    PROTOCOL_VERSION,
    EngineStats,
    Goodbye,
    Hello,
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
        self, settings: EngineSettings, door: Sender, workers: WorkerGroup, epoch: int,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self.settings = settings
        self.workers = workers
        self.metrics = EngineMetrics()
        self.frontends = Frontends(door, settings.silence_s, self._abandon)
        self.limits = RuleSource(settings)
        registry, state = self.metrics.registry, state_file(settings)
        self.metering = Metering(self.limits, self.frontends, registry, state)
        self._wall_clock = wall_clock
        self._timelines = Timelines(settings.timelines, settings.timelines_max_age_s, wall_clock)
        self.model: ServedModel | None = None
        self.exit_status: int | None = None
        self._door = door
        self._complaints = Complaints(door, registry)
        self._conversation = self._make_conversation()
        self._epoch = epoch
        self._is_ready = False
        self._drain_by: float | None = None

    def _make_conversation(self) -> Conversation:
        reports = Reports(self.metrics, self.frontends, self._complaints)
        return Conversation(
            self.frontends, self.metering, self.metrics, reports, self._timelines, self.stats
        )

    # ---- the heart

    def start(self, now: float) -> None:
        """Before anything else."""
        self.metering.start(now)
        self.workers.start(now)

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
                self._complaints.malformed(identity, str(message), now)
            case Hello():
                self._hello(identity, message, now)
            case _ if session is None:
                self._door.send(identity, Goodbye("say Hello first: this engine does not know you"))
            case _:
                self._conversation.hear(session, message, now)

    def tick(self, now: float) -> None:
        """What time alone brings about."""
        self.frontends.lose_silent(now)
        self.metering.tick(now)
        if self.limits.refresh(now):
            self._rebind()
        if self.model:
            self.model.intake.expire(now)
        if self._drain_by is not None and self.exit_status is None:
            is_idle = not (self.model and self.model.has_work)
            if is_idle or now >= self._drain_by:
                self._end(STATUS_OK, "the engine shuts down")

    def next_timer(self, now: float) -> float:
        """When `tick` or `step` must be called even if nothing arrives."""
        timers = [self.workers.timer, self._drain_by, self.limits.next_look]
        if self.model:
            timers.append(self.model.intake.next_deadline)
        if len(self.frontends):
            timers.append(now + self.settings.heartbeat_s)
        return min([now + LONGEST_WAIT_S, *(t for t in timers if t is not None)])

    # ---- front ends

    def _hello(self, identity: bytes, hello: Hello, now: float) -> None:
        if hello.protocol_version != PROTOCOL_VERSION:
            self._complaints.malformed(identity, other_version(hello), now)
            return
        session = self.frontends.hello(identity, hello, now)
        if session is None:
            self._door.send(identity, Goodbye("a younger front end bears this name"))
        elif self._is_ready:
            self._welcome(session)

    def _welcome(self, session: Session) -> None:
        assert self.model is not None
        found = self.model.fit
        limits = msgspec.structs.replace(found.limits, is_metered=self.metering.is_on)
        self.frontends.send(session, Welcome(PROTOCOL_VERSION, self._epoch, found.card, limits))

    def _abandon(self, sequence: Sequence) -> None:
        assert self.model is not None
        self.model.intake.drop(sequence)

    # ---- workers

    def _on_workers(self, event: GroupEvent, now: float) -> None:
        match event:
            case StepResult():
                self._finish(event, now)
            case Prepared():
                self._prepared(event, now)
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
            case GroupRefused(reason):
                log.error("%s", reason)
                self._end(STATUS_SETTINGS, reason)

    def _finish(self, result: StepResult, now: float) -> None:
        assert self.model is not None
        outputs, refused = self.model.finish(result, now)
        self.model.intake.give_up(refused, now)
        self.model.pipeline.fill(now)
        self.frontends.deliver(outputs)

    def _prepared(self, prepared: Prepared, now: float) -> None:
        assert self.model is not None
        self.metrics.prepared(prepared)
        self.model.intake.give_up(self.model.preparing.finished(prepared), now)

    def _loaded(self, hellos: list[WorkerHello]) -> None:
        try:
            model = self.model or self._make_model(hellos)
        except SettingsError as error:
            log.error("%s", error)
            self._end(STATUS_SETTINGS, str(error))
        else:
            self.workers.configure(model.fit.configure)

    def _make_model(self, hellos: list[WorkerHello]) -> ServedModel:
        found = fit(self.settings, hellos, int(self._wall_clock()))
        depth = max(1 + self.settings.async_scheduling, found.config.num_groups)
        model = ServedModel(
            found, self.frontends, self.workers, self.metrics, self.metering, self._timelines, depth
        )
        model.scheduler.shares.reweigh(self.limits.weights)
        self.model = self._conversation.model = model
        return model

    def _ready(self) -> None:
        assert self.model is not None
        log.info("ready: %s", self.model.fit.summary)
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

    def hang_up(self, now: float) -> None:
        """Reads the file of keys at once; where there is none, whoever hung up is gone."""
        if not self.limits.has_file:
            self.drain(now)
        elif self.limits.reread():
            self._rebind()

    def _rebind(self) -> None:
        """Keys, weights or bounds have changed; front ends ask for room from now on, or no more."""
        self.metering.rebind()
        if self.model:
            self.model.scheduler.shares.reweigh(self.limits.weights)
        for session in self.frontends if self._is_ready else ():
            self._welcome(session)

    def drain(self, now: float) -> None:
        """New requests are refused, running ones end well. The second call ends at once."""
        if self._drain_by is None:
            patience_s = self.settings.drain_timeout_s
            log.info("draining: requests may finish for %g s (--drain-timeout-s)", patience_s)
            self._drain_by = now + patience_s
        else:
            self._drain_by = now
        if self.model:
            self.model.intake.draining = True

    def _end(self, status: int, reason: str) -> None:
        self.exit_status = status
        self.frontends.say_goodbye(reason)


def _is_result(event: GroupEvent) -> bool:
    return isinstance(event, StepResult)
