"""Runs cases one after another and keeps what came out. Knows clocks and cases, no device and no screen."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from penstock.bench.kernels.case import Case, Work
from penstock.bench.kernels.clocks import Clock
from penstock.bench.spread import percentile

if TYPE_CHECKING:
    from penstock.bench.kernels.lab import Lab

OUT_OF_MEMORY = "more memory than this device has free"


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds: the median, and where the middle eight tenths lie."""

    median: float
    p10: float
    p90: float

    @classmethod
    def of(cls, seconds: list[float]) -> "Times":
        ordered = sorted(seconds)
        return cls(*(percentile(ordered, percent) for percent in (50, 10, 90)))


@dataclass(frozen=True, slots=True)
class Measured:
    """Either times or an error; torch's where torch has the op and could run it."""

    op: str
    model: str
    what: str
    work: Work
    times: Times | None = None
    torch_times: Times | None = None
    error: str | None = None

    @property
    def failed(self) -> bool:
        """A device that is too small is no failure."""
        return self.error not in (None, OUT_OF_MEMORY)


def measure(op: str, model: str, case: Case, clock: Clock, lab: "Lab") -> Measured:
    """Whatever one case dies of, the others are still worth measuring: it is told in its place."""
    try:
        run = case.prepare(lab)
        times = Times.of(clock.seconds(run.kernel))
    except torch.OutOfMemoryError:
        return Measured(op, model, case.what, case.work, error=OUT_OF_MEMORY)
    except Exception as error:
        told = str(error).strip().splitlines() or [type(error).__name__]
        return Measured(op, model, case.what, case.work, error=told[0])
    return Measured(op, model, case.what, case.work, times, _torch_times(run.torch, clock))


def _torch_times(run: Callable[[], object] | None, clock: Clock) -> Times | None:
    """None too where this torch has no kernel for it on this device."""
    if run is None:
        return None
    try:
        return Times.of(clock.seconds(run))
    except RuntimeError:
        return None
