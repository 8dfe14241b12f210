"""What a front end knows of its engine, from what it said last. Knows no request and no socket."""

import time

from penstock.frontend.engine.presence import Presence
from penstock.protocol.messages import EngineStats, Limits, ModelCard


class KnownEngine:
    """Base of the client: the part that answers at once."""

    def __init__(self, presence: Presence) -> None:
        self._presence = presence

    @property
    def is_ready(self) -> bool:
        """Whether an engine has welcomed us and is still there."""
        return self._presence.is_here

    @property
    def reason_away(self) -> str:
        """Why `is_ready` is False, for people."""
        return self._presence.reason_away

    @property
    def card(self) -> ModelCard | None:
        """The last engine's; None before the first Welcome."""
        return self._presence.card

    @property
    def limits(self) -> Limits | None:
        return self._presence.limits

    @property
    def is_metered(self) -> bool:
        """Whether the engine has limits, and requests need a place under them."""
        return self.limits is not None and self.limits.is_metered

    @property
    def stats(self) -> EngineStats:
        """As of the last heartbeat; all zero while the engine is away."""
        return self._presence.stats

    @property
    def engine_epoch(self) -> int | None:
        """Which life of the engine the stats are of."""
        return self._presence.epoch

    @property
    def engine_age_s(self) -> float:
        """Seconds since its last message; infinite before the first."""
        return self._presence.age_s(time.monotonic())
