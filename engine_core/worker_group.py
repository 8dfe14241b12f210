"""The workers' keeper: starts, watches and restarts the ranks. Knows their lives, not what the plans say.

start -> LOADING --all said hello--> LOADED --configure, all ready--> SERVING
  ^         |                          |                                 |
  +-- wait (back-off) <----------- an exit, a fault, a timeout ----------+
"""

import enum
import logging
import select
from collections.abc import Callable, Iterator
from typing import NamedTuple

from penstock.engine_core.worker_link import WorkerLink
from penstock.engine_core.worker_process import WorkerProcess
from penstock.protocol.errors import WireError
from penstock.protocol.plan import (
    Configure,
    FromWorker,
    Prepare,
    Prepared,
    Release,
    Shutdown,
    StepPlan,
    StepResult,
    WorkerFault,
    WorkerHello,
    WorkerProgress,
    WorkerReady,
)

log = logging.getLogger("penstock.engine")

MAX_START_FAILURES = 3
BACKOFF_S = 0.25
MAX_DOUBLINGS = 6
STOP_PATIENCE_S = 3.0


class GroupLoaded(NamedTuple):
    """Every rank has its weights: answer with `configure`."""

    hellos: list[WorkerHello]


class GroupReady(NamedTuple):
    """Plans may be submitted."""


class GroupFailed(NamedTuple):
    """The ranks are gone, with all that they had computed; the group starts again by itself."""

    reason: str


class GroupHopeless(NamedTuple):
    """It did not start, again and again; the group stays down."""

    reason: str


class GroupRefused(NamedTuple):
    """The model or a setting is at fault, so that no start could go well; the group stays down."""

    reason: str


GroupEnd = GroupFailed | GroupHopeless | GroupRefused
GroupEvent = GroupLoaded | GroupReady | StepResult | Prepared | GroupEnd


class RankStart(NamedTuple):
    """What a rank's command line says of its place."""

    descriptor: int
    """Its end of the link."""
    rank: int
    generation: int
    """Which start of the group it belongs to."""


class Phase(enum.Enum):
    DOWN = enum.auto()
    LOADING = enum.auto()
    LOADED = enum.auto()
    SERVING = enum.auto()


class WorkerGroup:
    """All ranks of one model; `argv` makes a rank's command line."""

    def __init__(
        self,
        argv: Callable[[RankStart], list[str]],
        world_size: int,
        start_timeout_s: float,
        step_timeout_s: float,
    ) -> None:
        self.phase = Phase.DOWN
        self.num_starts = 0
        self._waits = select.epoll()
        self._argv = argv
        self._world_size = world_size
        self._start_timeout_s = start_timeout_s
        self._step_timeout_s = step_timeout_s
        self._num_failures = 0
        self._num_fruitless = 0
        self._has_served = False
        self._start_at: float | None = None
        self._due_at: float | None = None
        self._num_in_flight = 0
        self._processes: list[WorkerProcess] = []
        self._link: WorkerLink | None = None
        self._hellos: dict[int, WorkerHello] = {}
        self._ready: set[int] = set()

    # ---- what the loop waits for

    def fileno(self) -> int:
        """When it is readable, or `timer` is reached, call `poll`."""
        return self._waits.fileno()

    @property
    def timer(self) -> float | None:
        return self._start_at if self.phase is Phase.DOWN else self._due_at

    @property
    def num_alive(self) -> int:
        return len(self._processes)

    # ---- commands

    def start(self, now: float) -> None:
        self.num_starts += 1
        self._hellos, self._ready, self._num_in_flight = {}, set(), 0
        link = self._link = WorkerLink(self._world_size, self._waits)
        self._processes = [
            WorkerProcess(self._argv(RankStart(end.fileno(), rank, self.num_starts)), end)
            for rank, end in enumerate(link.worker_ends)
        ]
        link.handed_over()
        for process in self._processes:
            self._waits.register(process.pidfd, select.EPOLLIN)
        self.phase, self._start_at = Phase.LOADING, None
        self._due_at = now + self._start_timeout_s

    def configure(self, configure: Configure) -> None:
        """Answers GroupLoaded."""
        assert self._link is not None
        assert self.phase is Phase.LOADED
        self._link.broadcast(configure)

    def submit(self, plan: StepPlan, now: float) -> None:
        assert self._link is not None
        assert self.phase is Phase.SERVING
        self._link.broadcast(plan)
        self._num_in_flight += 1
        if self._due_at is None:
            self._due_at = now + self._step_timeout_s

    def tell(self, message: Prepare | Release) -> None:
        """Beside the steps."""
        assert self._link is not None
        assert self.phase is Phase.SERVING
        self._link.broadcast(message)

    def stop(self) -> None:
        """The ranks end well, or are killed after a moment."""
        if self._link and self.phase is not Phase.LOADING:
            self._link.broadcast(Shutdown())
            for process in self._processes:
                process.wait(STOP_PATIENCE_S)
        self._tear_down()
        self._start_at = None

    # ---- what happens

    def poll(self, now: float) -> list[GroupEvent]:
        """All that happened since the last call."""
        if self.phase is Phase.DOWN:
            if self._start_at is not None and now >= self._start_at:
                self.start(now)
            return []
        ready = {descriptor for descriptor, _ in self._waits.poll(0)}
        ended = next((p for p in self._processes if p.pidfd in ready), None)
        assert self._link is not None
        arrived = self._link.receive_last() if ended else self._link.receive(ready)
        events, failure = self._take_all(arrived, now)
        if not failure and ended:
            failure = f"a worker ended: {ended.describe_end()}"
        if not failure and self._due_at is not None and now >= self._due_at:
            failure = self._overdue()
        return [*_results(events), self._fail(failure, now)] if failure else events

    def _take_all(
        self, messages: Iterator[FromWorker], now: float
    ) -> tuple[list[GroupEvent], str | WorkerFault]:
        """Events, and why the group cannot go on, if so."""
        events: list[GroupEvent] = []
        try:
            for message in messages:
                if isinstance(message, WorkerFault):
                    return events, message
                events += self._take(message, now)
        except WireError as error:
            return events, f"a worker sent what is no message: {error}"
        return events, ""

    def _take(self, message: FromWorker, now: float) -> list[GroupEvent]:
        match message:
            case StepResult():
                self._num_fruitless = 0
                self._num_in_flight -= 1
                self._due_at = now + self._step_timeout_s if self._num_in_flight else None
                return [message]
            case Prepared():
                return [message]
            case WorkerHello():
                return self._one_loaded(message)
            case WorkerReady():
                return self._one_ready(message.rank)
            case WorkerProgress():
                done = f" {message.share:.0%}" if message.share else ""
                log.info("worker %d: %s%s", message.rank, message.phase, done)
                return []
            case WorkerFault():
                raise AssertionError("taken out before")

    def _one_loaded(self, hello: WorkerHello) -> list[GroupEvent]:
        self._hellos[hello.rank] = hello
        if self.phase is not Phase.LOADING or len(self._hellos) < self._world_size:
            return []
        self.phase = Phase.LOADED
        return [GroupLoaded([self._hellos[rank] for rank in sorted(self._hellos)])]

    def _one_ready(self, rank: int) -> list[GroupEvent]:
        self._ready.add(rank)
        if len(self._ready) < self._world_size:
            return []
        self.phase, self._due_at, self._num_failures = Phase.SERVING, None, 0
        self._has_served = True
        return [GroupReady()]

    def _overdue(self) -> str:
        if self.phase is Phase.SERVING:
            return f"a step took longer than --step-timeout-s {self._step_timeout_s:g}"
        return f"not ready within --worker-start-timeout-s {self._start_timeout_s:g}"

    def _fail(self, failure: str | WorkerFault, now: float) -> GroupEnd:
        """Once at once, then ever later, until a generation has brought a step's result.

        What has served before is tried again whatever is said: it may be a file that is being replaced.
        """
        self._num_failures += self.phase is not Phase.SERVING
        self._tear_down()
        if isinstance(failure, WorkerFault) and failure.final and not self._has_served:
            return GroupRefused(failure.message)
        reason = failure if isinstance(failure, str) else _told(failure)
        if self._num_failures >= MAX_START_FAILURES:
            return GroupHopeless(reason)
        self._start_at = now + BACKOFF_S * (2 ** min(self._num_fruitless, MAX_DOUBLINGS) - 1)
        self._num_fruitless += 1
        return GroupFailed(reason)

    def _tear_down(self) -> None:
        for process in self._processes:
            self._waits.unregister(process.pidfd)
            process.kill()
        if self._link:
            self._link.close()
        self._processes, self._link = [], None
        self.phase, self._due_at = Phase.DOWN, None


def _told(fault: WorkerFault) -> str:
    advice = f"; {fault.advice}" if fault.advice else ""
    return f"worker {fault.rank}: {fault.message}{advice}"


def _results(events: list[GroupEvent]) -> list[GroupEvent]:
    """What of `events` still counts when the group is gone: a start cannot be gone on with."""
    return [event for event in events if isinstance(event, StepResult)]
