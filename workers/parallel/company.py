"""What a rank holds, and whom it works with. Knows none of their ways."""

from dataclasses import dataclass

from penstock.workers.parallel.part import WHOLE, Part
from penstock.workers.parallel.peers import ALONE, Peers
from penstock.workers.parallel.stages import NO_STAGES, Stages


@dataclass(frozen=True, slots=True)
class Company:
    """By default a whole model, and nobody."""

    part: Part = WHOLE
    peers: Peers = ALONE
    stages: Stages = NO_STAGES


NOBODY = Company()
