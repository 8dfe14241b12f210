"""How a request to the engine can fail, besides EngineGoneError. Knows no HTTP."""

from penstock.protocol.errors import PenstockError, WireError
from penstock.protocol.messages import RefusalCode


class RefusedError(PenstockError):
    """The engine will not serve this request; `retry_after_s` 0 means that trying again is no use."""

    def __init__(self, code: RefusalCode, message: str, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after_s = retry_after_s


class BrokenStreamError(WireError):
    """The engine's deltas for one stream contradict each other; that stream alone ends."""
