"""Who may ask how much, and how much of that is left: one ledger for all front ends. Knows no batch and no worker."""

from penstock.engine_core.limits.ledger import Denial
from penstock.engine_core.limits.metering import Metering
from penstock.engine_core.limits.sources import RuleSource
from penstock.engine_core.limits.state_file import state_file

__all__ = ["Denial", "Metering", "RuleSource", "state_file"]
