"""What a front end says at each heartbeat: its numbers, where they changed. Knows no socket and no clock."""

from penstock.protocol import metrics
from penstock.protocol.messages import Ping
from penstock.protocol.metric_names import Owner
from penstock.protocol.metrics import Registry
from penstock.protocol.process_meter import ProcessMeter


class Pulse:
    """Makes the pings, in their order."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._process = ProcessMeter(registry, Owner.FRONTEND)
        self._num_pings = 0
        self._told = b""

    def forget(self) -> None:
        """A new engine has been told nothing yet."""
        self._told = b""

    def ping(self) -> Ping:
        self._process.measure()
        numbers = metrics.encode(self._registry.snapshot())
        news = numbers if numbers != self._told else b""
        self._told = numbers
        self._num_pings += 1
        return Ping(self._num_pings, news)
