"""Two plans in flight: the next is launched before the one at work is collected. Knows order, no step's insides.

plan n+1 is there while n is at work     launch n+1, collect n: the device goes from one to the other
n is done first                          collect n, then wait for the next plan
"""

from collections.abc import Callable

from penstock.protocol.plan import StepPlan, StepResult
from penstock.workers.pending import Pending
from penstock.workers.runner import ModelRunner


class Flight:
    """Answers plans in their order."""

    def __init__(self, runner: ModelRunner, answer: Callable[[StepResult], None]) -> None:
        self._runner = runner
        self._answer = answer
        self._at_work: Pending | None = None

    @property
    def is_up(self) -> bool:
        """Whether a step is still to be collected."""
        return self._at_work is not None

    def is_done(self) -> bool:
        """Whether to collect it would take no waiting."""
        return self._at_work is None or self._at_work.arrival.is_here()

    def step(self, plan: StepPlan) -> None:
        """Launches it, and answers the one before; this one too, where nothing runs by itself."""
        launched = self._runner.launch(plan)
        self.land()
        self._at_work = launched
        if not self._runner.runs_ahead:
            self.land()

    def land(self) -> None:
        """Answers what is at work."""
        if self._at_work is not None:
            pending, self._at_work = self._at_work, None
            self._answer(self._runner.collect(pending))
