"""A response and what came before it, gathered one by one. Knows when to stop, not where records come from."""

from penstock.frontend.responses.errors import TooMuchError
from penstock.frontend.responses.store import Record

MAX_CHAIN = 10_000
"""Responses of one conversation that are read; those before them are as if forgotten."""


class Chain:
    """Ask for `wanted` and `add` what comes of it, until None is wanted."""

    def __init__(self, response_id: str, max_bytes: int) -> None:
        self.wanted: str | None = response_id
        self.records: list[Record] = []
        """The newest first."""
        self._num_left = max_bytes

    def add(self, record: Record | None) -> None:
        """None where it is gone, which ends the chain. Raises TooMuchError."""
        self.wanted = None
        if record is None:
            return
        self._num_left -= record.num_bytes
        if self._num_left < 0:
            raise TooMuchError("the chain has more bytes than were asked for")
        self.records.append(record)
        if len(self.records) < MAX_CHAIN:
            self.wanted = record.previous
