"""How a request to the engine can fail, besides EngineGoneError. Knows no HTTP."""

from penstock.protocol.errors import PenstockError, WireError
from penstock.protocol.messages import RefusalCode, Verdict


class RefusedError(PenstockError):
    """The engine will not serve this request; `retry_after_s` 0 means that trying again is no use."""

    def __init__(self, code: RefusalCode, message: str, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after_s = retry_after_s


class LimitedError(PenstockError):
    """A limit leaves no room for this request."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.message)
        self.verdict = verdict


class BrokenStreamError(WireError):
    """The engine's deltas for one stream contradict each other; that stream alone ends."""
