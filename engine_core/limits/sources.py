"""Where the bounds come from: two flags and the file of keys, which may change. Knows no count."""

from penstock.engine_core.limits.rules import MINUTE_S, Kind, Rule, RuleBook
from penstock.protocol.keys import WatchedKeyFile
from penstock.protocol.messages import ADDRESS
from penstock.protocol.settings import EngineSettings

LOOK_S = 0.5
"""Between two looks at the file."""
STILL_S = 0.4
"""For how long it must be the same: front ends wait for longer, so that no holder comes before its quotas."""
RATE = "rate_limit"


class RuleSource:
    """`book` and `weights` are what holds now."""

    def __init__(self, settings: EngineSettings) -> None:
        """Raises SettingsError."""
        self._rate = _rate(settings)
        self._file: WatchedKeyFile | None = None
        if settings.api_key_file:
            self._file = WatchedKeyFile(settings.api_key_file, STILL_S)
        self._look_at = 0.0
        self._has_news = False
        self._take_over()

    @property
    def has_file(self) -> bool:
        return self._file is not None

    def refresh(self, now: float) -> bool:
        """Whether there is something new since the last call. Looks at most twice a second."""
        if self._file and now >= self._look_at:
            self._look_at = now + LOOK_S
            self._look(self._file, now)
        has_news, self._has_news = self._has_news, False
        return has_news

    @property
    def next_look(self) -> float | None:
        """When `refresh` may find something."""
        return self._look_at if self._file else None

    def meet(self, subject: str, now: float) -> bool:
        """Whether there is something new: a front end may know a holder that this engine has not read of."""
        is_stranger = not (self.book.is_holder(subject) or subject.startswith(ADDRESS))
        if not is_stranger or self._file is None:
            return False
        self._look(self._file, now)
        return self._has_news

    def _look(self, file: WatchedKeyFile, now: float) -> None:
        if file.refresh(now):
            self._take_over()
            self._has_news = True

    def reread(self) -> bool:
        """At once, whatever the file's date."""
        if self._file is None or not self._file.reread():
            return False
        self._take_over()
        return True

    def _take_over(self) -> None:
        file = self._file.now if self._file else None
        self.book = RuleBook(self._rate, file)
        self.weights = {holder.name: holder.weight for holder in file.keys} if file else {}


def _rate(settings: EngineSettings) -> Rule | None:
    if settings.rate_limit_token is None:
        return None
    length_s = settings.rate_limit_interval or MINUTE_S
    return Rule(RATE, Kind.REQUESTS, settings.rate_limit_token, length_s)
