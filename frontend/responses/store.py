"""What is kept of responses, and how it is asked for. Knows no database: `sqlite_store` and `redis_store` are two.

A response in the background belongs to the front end that writes it, for as long as its lease runs. Every write
of its owner says who it is, and is refused once somebody else has taken over, or the response was cancelled.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

import msgspec

from penstock.frontend.responses.shapes import UNFINISHED
from penstock.frontend.responses.writer import Frame


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One response."""

    id: str
    tenant: str
    """Whose it is: nobody else is told that it exists."""
    created_s: float
    status: str
    is_background: bool
    previous: str | None
    input: bytes
    """The items that came with it, as a JSON list."""
    response: bytes
    """As JSON. Its status is out of date while the response is unfinished."""

    @property
    def num_bytes(self) -> int:
        return len(self.input) + len(self.response)

    @property
    def is_finished(self) -> bool:
        return self.status not in UNFINISHED


class Holder(NamedTuple):
    """Who writes a response. A front end that got it back is another holder than it was before."""

    owner: str
    num_takeovers: int = 0


class Claim(NamedTuple):
    """An unfinished response, taken over."""

    record: Record
    job: bytes
    pasts: list[bytes]
    """What its owners appended, in order."""
    num_frames: int
    """Events that are kept already."""
    num_takeovers: int
    """This one included."""


class Replay(NamedTuple):
    """What the events of an answer in the foreground can be made of again."""

    realm: str
    job: bytes
    past: bytes
    until_s: float
    """Kept no longer."""


class Progress(NamedTuple):
    """What came since the last time."""

    past: bytes
    """For whoever goes on with it."""
    frames: Sequence[Frame]


class End(NamedTuple):
    status: str
    response: bytes


class Tail(NamedTuple):
    """Events of a response behind a certain one."""

    frames: list[Frame]
    is_finished: bool
    """Then there are no more."""


class Store(Protocol):
    """Shared by all front ends. Times are seconds since the epoch. Each method may raise StoreError.

    A lease is so many seconds from the moment when it is written down, by the store's own clock: before that, a write
    may have waited for others for longer than any lease.
    """

    async def put(self, record: Record, replay: Replay | None = None) -> None:
        """One that is finished."""
        ...

    async def replay(self, response_id: str) -> Replay | None:
        """What was put with it, while it is kept."""
        ...

    async def resume(self, response_id: str, owner: str, lease_s: float) -> Claim | None:
        """Makes one that was cancelled unfinished again, from its replay. None for any other."""
        ...

    async def begin(
        self, record: Record, realm: str, job: bytes, owner: str, lease_s: float, opening: Progress
    ) -> None:
        """One that goes on in the background. Only front ends of one `realm` can go on with each other's."""
        ...

    async def get(self, response_id: str, tenant: str) -> Record | None: ...

    async def chain(self, response_id: str, tenant: str, max_bytes: int) -> list[Record]:
        """It and its predecessors, the oldest first; without those before one that is gone.

        Raises TooMuchError above so many bytes, without reading what is left.
        """
        ...

    async def delete(self, response_id: str, tenant: str) -> bool:
        """Whether it was there."""
        ...

    async def cancel(self, response_id: str, tenant: str, response: bytes) -> bool:
        """Whether it was unfinished, and is cancelled now."""
        ...

    async def tail(self, response_id: str, after: int) -> Tail | None:
        """None when it is gone."""
        ...

    async def append(
        self, response_id: str, holder: Holder, progress: Progress, end: End | None
    ) -> bool:
        """Whether `holder` still has it; else nothing is written."""
        ...

    async def renew(self, response_ids: Sequence[str], owner: str, lease_s: float) -> set[str]:
        """Those that still belong to `owner`, who has them for so long from now on."""
        ...

    async def release(self, realm: str, owner: str) -> None:
        """Others may take over at once."""
        ...

    async def claim(
        self, realm: str, owner: str, lease_s: float, but: Collection[str] = ()
    ) -> Claim | None:
        """One whose owner let its lease run out, and that is none of `but`."""
        ...

    async def prune(self, now_s: float) -> None:
        """Forgets replays whose time is over, finished responses that are too old, and then the oldest, until the
        rest is small enough."""
        ...

    async def close(self) -> None: ...
