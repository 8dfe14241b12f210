"""Keeps plans in flight: schedules ahead, submits, matches results. Knows sequences, not whose they are."""

import logging
from collections import deque

from penstock.engine_core.admission import Refusal, Rejection
from penstock.engine_core.admission_delay import AdmissionDelay
from penstock.engine_core.outputs import Output
from penstock.engine_core.pacing import Pacer
from penstock.engine_core.plan_draft import ScheduledStep
from penstock.engine_core.scheduler import Scheduler
from penstock.engine_core.sequence import Sequence, State
from penstock.engine_core.stats import EngineMetrics
from penstock.engine_core.worker_group import Phase, WorkerGroup
from penstock.protocol.messages import RefusalCode
from penstock.protocol.plan import StepResult

log = logging.getLogger("penstock.engine")


class Pipeline:
    """At most `depth` plans in flight: with two, the workers never wait for the scheduler."""

    def __init__(
        self, scheduler: Scheduler, workers: WorkerGroup, metrics: EngineMetrics, depth: int,
        pacer: Pacer,
    ) -> None:  # fmt: skip
        self.scheduler = scheduler
        self._pacer = pacer
        scheduler.chunking.bound = pacer.bound
        self._delay = AdmissionDelay(scheduler.config.delay_factor)
        self._workers = workers
        self._metrics = metrics
        self._depth = depth
        self._in_flight: deque[ScheduledStep] = deque()
        self._progress_at = 0.0

    def fill(self, now: float) -> None:
        """Submits plans until enough are in flight or no sequence can advance."""
        if self._workers.phase is not Phase.SERVING:
            return
        while len(self._in_flight) < self._depth:
            step = self._schedule(now)
            if step is None:
                break
            if not self._in_flight:
                self._progress_at = now
            self._workers.submit(step.plan, now)
            self._in_flight.append(step)
            self._metrics.step_planned(step, now)

    def _schedule(self, now: float) -> ScheduledStep | None:
        num_preemptions = self.scheduler.num_preemptions
        step = self.scheduler.schedule(self._delay.is_over(self.scheduler.waiting, now))
        if self.scheduler.num_preemptions > num_preemptions:
            self._metrics.preempted(self.scheduler, now)
        return step

    def finish(self, result: StepResult, now: float) -> list[Output]:
        """What the oldest plan in flight brought."""
        step = self._in_flight.popleft()
        num_decoded = step.num_tokens - step.num_chunked
        self._pacer.observe(num_decoded, step.num_chunked, result.busy_s)
        self._delay.observe(step.num_chunked, result.busy_s)
        outputs = self.scheduler.update(step, result)
        self._progress_at = now
        self._metrics.step_done(step, result.busy_s, outputs, now)
        return outputs

    def failed(self, result: StepResult) -> dict[Sequence, Rejection]:
        """Who of the oldest plan in flight cannot go on, and why; to be asked before `finish`."""
        rows, code = self._in_flight[0].rows, RefusalCode.UNSUPPORTED
        return {rows[f.row]: Rejection(code, f.message) for f in result.failures}

    def recover(self) -> list[Refusal]:
        """The workers died: everything runs again, but for the sequence that is known to kill them, if one is.

        A sequence on board of two crashes is a suspect, and suspects run one at a time: the only
        suspect on board of a further crash is guilty.
        """
        rows = (sequence for step in self._in_flight for sequence in step.rows)
        on_board = dict.fromkeys(s for s in rows if s.state is not State.FINISHED)
        suspects = [sequence for sequence in on_board if sequence.is_suspect]
        for sequence in on_board:
            sequence.crashed()
        self._in_flight.clear()
        self.scheduler.requeue_running()
        return [_guilty(sequence) for sequence in suspects] if len(suspects) == 1 else []

    @property
    def has_work(self) -> bool:
        return bool(self.scheduler.running or self.scheduler.waiting or self._in_flight)

    def step_age_s(self, now: float) -> float:
        """Seconds without a finished step while there is work."""
        return now - self._progress_at if self.has_work else 0.0


def _guilty(sequence: Sequence) -> Refusal:
    log.error("request %s kills workers; it is given up", sequence.name or sequence.id)
    reason = f"the workers died {sequence.num_crashes} times while they ran this request"
    return sequence, Rejection(RefusalCode.POISONED, reason)
