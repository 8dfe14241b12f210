"""What ends a benchmark early. Knows no settings: those are refused with SettingsError."""

from penstock.protocol.errors import PenstockError


class BenchError(PenstockError):
    """Nothing could be measured; the message says what the server did or what is missing."""
