"""The numbers of a whole deployment: the engine's and those that front ends send. Knows no clock and no request."""

from penstock.engine_core.complaints import Complaints
from penstock.engine_core.frontends import Frontends, Session
from penstock.engine_core.scheduler import Scheduler
from penstock.engine_core.stats import EngineMetrics
from penstock.protocol import metrics
from penstock.protocol.errors import WireError
from penstock.protocol.messages import EngineStats


class Reports:
    """`keep` what a front end sends; `all_of_them` are one Snapshot, encoded."""

    def __init__(self, own: EngineMetrics, frontends: Frontends, complaints: Complaints) -> None:
        self._own, self._frontends, self._complaints = own, frontends, complaints

    def keep(self, session: Session, data: bytes, now: float) -> None:
        """Nothing stands for what was sent before."""
        if not data:
            return
        try:
            session.metrics = metrics.decode(data)
        except WireError as error:
            self._complaints.malformed(session.identity, str(error), now)

    def all_of_them(self, stats: EngineStats, scheduler: Scheduler | None) -> bytes:
        self._own.update(stats, self._frontends.num_lost)
        if scheduler:
            self._own.update_scheduler(scheduler)
        return metrics.encode(
            metrics.merge([self._own.registry.snapshot(), *self._frontends.snapshots()])
        )
