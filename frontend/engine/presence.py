"""Whether an engine is there, judged by what it said and when. Knows no socket; the time is passed in.

away --Welcome--> here --silence, Goodbye, a broken connection--> away --patience--> given up
                                                                    ^------Welcome-----'
"""

from penstock.protocol.messages import EngineStats, Limits, ModelCard, Welcome

NOT_YET = "no engine has answered yet"


class Presence:
    """The one place that knows which engine this is, and since when there is none."""

    def __init__(self, patience_s: float, now_s: float) -> None:
        self.card: ModelCard | None = None
        self.limits: Limits | None = None
        self.stats = EngineStats()
        self.is_here = False
        self.reason_away = NOT_YET
        self._patience_s = patience_s
        self._away_since_s = now_s
        self._heard_s: float | None = None
        self.epoch: int | None = None
        """Of the last engine."""
        self.has_parted = False
        """Whether the last engine said Goodbye, which may be read after its connection broke."""

    def hear(self, now_s: float) -> None:
        """Any message is a sign of life."""
        self._heard_s = now_s

    def welcome(self, message: Welcome) -> bool:
        """The engine takes us in. Whether the one before it died: one that said Goodbye did not."""
        died = self.epoch not in (None, message.engine_epoch) and not self.has_parted
        self.epoch = message.engine_epoch
        self.card, self.limits = message.card, message.limits
        self.is_here, self.has_parted, self.reason_away = True, False, ""
        return died

    def is_known(self, message: Welcome) -> bool:
        """Whether this only repeats the Welcome we live under."""
        return self.is_here and self.epoch == message.engine_epoch

    def lose(self, reason: str, now_s: float) -> None:
        assert self.is_here
        self.is_here, self.reason_away = False, reason
        self._away_since_s = now_s
        self.stats = EngineStats()

    def is_silent(self, now_s: float) -> bool:
        """Whether an engine that was here must be taken for dead."""
        return self.limits is not None and self.age_s(now_s) > self.limits.silence_s

    def is_given_up(self, now_s: float) -> bool:
        return not self.is_here and now_s - self._away_since_s > self._patience_s

    def age_s(self, now_s: float) -> float:
        """Seconds since its last message; infinite before the first."""
        return float("inf") if self._heard_s is None else now_s - self._heard_s
