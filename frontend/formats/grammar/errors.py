"""What a grammar cannot say. Does not know HTTP statuses."""

from penstock.protocol.errors import PenstockError


class GrammarError(PenstockError):
    """Calls to these tools cannot be forced in this model's format; the message says why."""


def unwritable(name: str) -> GrammarError:
    """For a name that would not be read as it was written."""
    return GrammarError(f"this model's format cannot write the name {name!r}")
