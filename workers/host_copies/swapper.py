"""Copies blocks of the KV cache to host memory and back. Knows blocks by number only, not whose they are.

    swaps_out   cache --gather, compute--> staging --copies--> host
    swaps_in    host --copies--> staging --scatter, compute--> cache, then the step's rows

A step waits for the gather and the scatter, which stay on the device. Copies to the host go on while it computes; those
from the host begin while the step before it does.

Legend: P pages of a block (keys and values of each layer), N bytes of a page, B blocks of the device, H of the host.
"""

from collections.abc import Callable, Iterator, Sequence

import torch

from penstock.protocol.errors import SettingsError
from penstock.protocol.token_ids import unpack
from penstock.workers.host_copies.queues import Mark, Queues
from penstock.workers.host_copies.sizes import NUM_STAGINGS, STAGING_BYTES, staging_room

Pairs = Sequence[tuple[int, int]]
"""(block, host block)"""


class Staging:
    """Room on the device for some blocks: [blocks, P, N]."""

    def __init__(self, memory_BPN: torch.Tensor, idle: tuple[Mark, Mark]) -> None:
        self.memory_BPN = memory_BPN
        self.idle = idle
        """Once both are reached nobody reads or writes it."""


class Swapper:
    """One rank's share of every block: `pages` are the cache's tensors, each [B, N bytes]."""

    def __init__(
        self, pages: Sequence[torch.Tensor], num_host_blocks: int, queues: Queues,
        staging_bytes: int = STAGING_BYTES,
    ) -> None:  # fmt: skip
        self._pages = [page.view(len(page), -1).view(torch.uint8) for page in pages]
        self._queues = queues
        num_pages, page_bytes = len(pages), self._pages[0].shape[1]
        try:
            self._host_HPN = queues.on_host((num_host_blocks, num_pages, page_bytes))
        except MemoryError as error:
            raise SettingsError(f"--swap-space: {error}; lower it") from error
        self._room = staging_room(num_host_blocks, num_pages * page_bytes, staging_bytes)
        shape = (self._room, num_pages, page_bytes)
        self._stagings = [
            Staging(queues.on_device(shape), self._marks()) for _ in range(NUM_STAGINGS)
        ]

    def carry_out(self, swaps_out: bytes, swaps_in: bytes) -> None:
        """Packed pairs, as a plan holds them: all that go out before any that come in."""
        for pairs in self._portions(swaps_out):
            self._out(self._take_staging(), pairs)
        for pairs in self._portions(swaps_in):
            self._in(self._take_staging(), pairs)

    def _portions(self, packed: bytes) -> Iterator[Pairs]:
        """As many at a time as a staging has room for; neighbours on the host beside each other."""
        ids = unpack(packed)
        pairs = sorted(zip(ids[::2], ids[1::2], strict=True), key=lambda pair: pair[1])
        for first in range(0, len(pairs), self._room):
            yield pairs[first : first + self._room]

    def _take_staging(self) -> Staging:
        """The one that was used longer ago; both queues wait until it is idle."""
        staging = self._stagings.pop(0)
        self._stagings.append(staging)
        for mark in staging.idle:
            self._queues.compute.wait(mark)
            self._queues.copies.wait(mark)
        return staging

    def _out(self, staging: Staging, pairs: Pairs) -> None:
        blocks_B = self._queues.ids([block for block, _ in pairs])
        self._queues.compute.run(self._gather(staging.memory_BPN, blocks_B))
        self._queues.copies.wait(self._queues.compute.mark())
        self._queues.copies.run(self._to_host(staging.memory_BPN, pairs))
        staging.idle = self._marks()

    def _in(self, staging: Staging, pairs: Pairs) -> None:
        blocks_B = self._queues.ids([block for block, _ in pairs])
        self._queues.copies.run(self._from_host(staging.memory_BPN, pairs))
        self._queues.compute.wait(self._queues.copies.mark())
        self._queues.compute.run(self._scatter(staging.memory_BPN, blocks_B))
        staging.idle = self._marks()

    def _marks(self) -> tuple[Mark, Mark]:
        return self._queues.compute.mark(), self._queues.copies.mark()

    # ---- the work

    def _gather(self, memory_BPN: torch.Tensor, blocks_B: torch.Tensor) -> Callable[[], None]:
        def work() -> None:
            for place, page_BN in enumerate(self._pages):
                memory_BPN[: len(blocks_B), place] = page_BN.index_select(0, blocks_B)

        return work

    def _scatter(self, memory_BPN: torch.Tensor, blocks_B: torch.Tensor) -> Callable[[], None]:
        def work() -> None:
            for place, page_BN in enumerate(self._pages):
                page_BN.index_copy_(0, blocks_B, memory_BPN[: len(blocks_B), place])

        return work

    def _to_host(self, memory_BPN: torch.Tensor, pairs: Pairs) -> Callable[[], None]:
        def work() -> None:
            for places, hosts in _runs(pairs):
                self._host_HPN[hosts].copy_(memory_BPN[places], non_blocking=True)

        return work

    def _from_host(self, memory_BPN: torch.Tensor, pairs: Pairs) -> Callable[[], None]:
        def work() -> None:
            for places, hosts in _runs(pairs):
                memory_BPN[places].copy_(self._host_HPN[hosts], non_blocking=True)

        return work


def _runs(pairs: Pairs) -> Iterator[tuple[slice, slice]]:
    """Where they lie in a staging and on the host, as few slices as there can be."""
    first = 0
    for end in range(1, len(pairs) + 1):
        if end == len(pairs) or pairs[end][1] != pairs[end - 1][1] + 1:
            host = pairs[first][1]
            yield slice(first, end), slice(host, host + end - first)
            first = end
