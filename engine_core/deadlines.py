"""By when requests must have their first token. Knows ids and times, not what becomes of those who are late."""

import heapq
from collections.abc import Iterator

from penstock.engine_core.frontends import Session
from penstock.engine_core.sequence import Sequence

Entry = tuple[float, int, Session, int]
SPARE = 64


class Deadlines:
    """A heap by time. It holds ids: a request that ends long before is not kept alive by its deadline.

    Entries of requests that ended stay until they are due or as many as the living.
    """

    def __init__(self) -> None:
        self._heap: list[Entry] = []
        self._num_added = 0
        self._sweep_at = SPARE

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, at: float, session: Session, request_id: int) -> None:
        self._num_added += 1
        heapq.heappush(self._heap, (at, self._num_added, session, request_id))
        if len(self._heap) > self._sweep_at:
            self._heap = [entry for entry in self._heap if _waiting(entry)]
            heapq.heapify(self._heap)
            self._sweep_at = 2 * len(self._heap) + SPARE

    @property
    def next(self) -> float | None:
        return self._heap[0][0] if self._heap else None

    def missed(self, now: float) -> Iterator[tuple[Session, Sequence]]:
        """Those past their deadline without a first token, each once."""
        while self._heap and self._heap[0][0] <= now:
            entry = heapq.heappop(self._heap)
            sequence = _waiting(entry)
            if sequence:
                yield entry[2], sequence


def _waiting(entry: Entry) -> Sequence | None:
    """The sequence that still waits for its first token, if it does."""
    _, _, session, request_id = entry
    sequence = session.requests.get(request_id)
    return sequence if sequence and sequence.num_output == sequence.num_emitted else None
