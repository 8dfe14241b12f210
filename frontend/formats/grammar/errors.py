"""What a grammar cannot say. Does not know HTTP statuses."""

from penstock.protocol.errors import PenstockError


class GrammarError(PenstockError):
    """Calls to these tools cannot be forced in this model's format; the message says why."""
