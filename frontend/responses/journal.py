"""Writes a background response down while it comes. Knows its owner's part, not who reads it."""

import asyncio
import time

from penstock.frontend.engine.mailbox import Update
from penstock.frontend.errors import ApiError
from penstock.frontend.generation import Piece
from penstock.frontend.responses.job import encode_past
from penstock.frontend.responses.store import End, Holder, Progress, Store
from penstock.frontend.responses.writer import Frame, ResponseWriter
from penstock.frontend.sse import json

FLUSH_S = 0.05
"""Readers are so far behind, and so much is generated twice when a front end dies."""


class LostError(Exception):
    """The response was cancelled, deleted, or taken over."""


class Journal:
    """A `Taker`. Updates and the events made of them are kept together or not at all.

    Of a response that is taken over, the first `num_past` pieces and `num_frames` events are kept already.
    """

    def __init__(
        self,
        store: Store,
        holder: Holder,
        writer: ResponseWriter,
        num_past: int,
        num_frames: int,
    ) -> None:
        self.changed = asyncio.Event()
        """Set whenever something was written; whoever waits for it clears it."""
        self.tally = writer.tally
        self._store, self._holder, self._writer = store, holder, writer
        self._num_past, self._num_frames = num_past, num_frames
        self._updates: list[Update] = []
        self._frames: list[Frame] = []
        self._flushed_s = 0.0
        self._hold(writer.opening())

    def take(self, piece: Piece) -> bool:
        if self._num_past:
            self._num_past -= 1
        else:
            self._updates.append(piece.update)
        self._hold(self._writer.piece(piece))
        return time.monotonic() < self._flushed_s + FLUSH_S

    async def ready(self) -> None:
        await self.flush()

    async def flush(self) -> None:
        """Raises LostError."""
        await self._append(None)

    async def end(self) -> None:
        """All pieces have come. Raises LostError."""
        self._hold(self._writer.closing(time.time()))
        await self._append_end()

    async def fail(self, error: ApiError) -> None:
        """Raises LostError."""
        self._hold(self._writer.failing(error))
        await self._append_end()

    async def _append_end(self) -> None:
        response = self._writer.response
        await self._append(End(response.status, json(response)))

    async def _append(self, end: End | None) -> None:
        progress = Progress(encode_past(self._updates), self._frames)
        self._updates, self._frames = [], []
        mine = await self._store.append(self._writer.response.id, self._holder, progress, end)
        self._flushed_s = time.monotonic()
        self.changed.set()
        if not mine:
            raise LostError

    def _hold(self, frames: list[Frame]) -> None:
        self._frames += [frame for frame in frames if frame.number >= self._num_frames]
