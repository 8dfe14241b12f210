"""What can go wrong with what is kept of responses. Knows no store."""

from penstock.protocol.errors import PenstockError


class StoreError(PenstockError):
    """The store does not answer, or could not write: whatever was asked may be asked again later."""


class TooMuchError(PenstockError):
    """More is kept than whoever asks for it can use."""
