"""The engine core's ends of the lines to one generation of workers. Knows frames, not what a worker is for.

A socket pair for each rank, whose other end the worker inherits: nothing stale can arrive, no name is needed,
and a message costs one system call on either side, where ZeroMQ's threads would wake up for each.
"""

import select
import socket
from collections.abc import Collection, Iterator

from penstock.protocol.codec import from_worker_codec, to_worker_codec
from penstock.protocol.frames import READ_BYTES, FrameReader, frame
from penstock.protocol.plan import FromWorker, ToWorker


class WorkerLink:
    """Registers itself with `waits` for what it waits for. Never blocks: what a worker does not take yet is kept."""

    def __init__(self, world_size: int, waits: select.epoll) -> None:
        pairs = [socket.socketpair() for _ in range(world_size)]
        self.worker_ends = [theirs for _, theirs in pairs]
        """For the workers to inherit; then `handed_over`."""
        self._ends = {ours.fileno(): _End(ours, waits) for ours, _ in pairs}
        self._encode = to_worker_codec().encode
        self._decode = from_worker_codec().decode

    def handed_over(self) -> None:
        """The workers have their ends."""
        for end in self.worker_ends:
            end.close()

    def broadcast(self, message: ToWorker) -> None:
        """One encoding for all ranks."""
        data = frame(self._encode(message))
        for end in self._ends.values():
            end.send(data)

    def receive(self, ready: Collection[int]) -> Iterator[FromWorker]:
        """What has arrived at the descriptors in `ready`. Raises WireError on what is not a worker's message."""
        for descriptor in ready:
            end = self._ends.get(descriptor)
            if end is not None:
                end.flush()
                yield from map(self._decode, end.receive())

    def receive_last(self) -> Iterator[FromWorker]:
        """All that has arrived anywhere: a worker that ended left its last words here."""
        for end in self._ends.values():
            while messages := end.receive():
                yield from map(self._decode, messages)

    def close(self) -> None:
        self.handed_over()
        for end in self._ends.values():
            end.close()


class _End:
    def __init__(self, own: socket.socket, waits: select.epoll) -> None:
        own.setblocking(False)
        waits.register(own, select.EPOLLIN)
        self._socket = own
        self._waits = waits
        self._reader = FrameReader()
        self._unsent = bytearray()
        self._is_open = True

    def send(self, data: bytes) -> None:
        num_sent = 0 if self._unsent else self._send(data)
        if num_sent < len(data):
            self._unsent += memoryview(data)[num_sent:]
            self._wait_for(select.EPOLLIN | select.EPOLLOUT)

    def flush(self) -> None:
        """Sends on what the worker did not take at once."""
        if self._unsent:
            del self._unsent[: self._send(self._unsent)]
            if not self._unsent:
                self._wait_for(select.EPOLLIN)

    def receive(self) -> list[bytes]:
        """Empty when nothing whole is here, and for ever after the worker closed its end."""
        while self._is_open:
            try:
                data = self._socket.recv(READ_BYTES)
            except BlockingIOError:
                break
            except ConnectionError:
                data = b""
            if not data:
                self._stop_waiting()
            if messages := self._reader.feed(data):
                return messages
        return []

    def close(self) -> None:
        self._stop_waiting()
        self._socket.close()

    def _send(self, data: bytes | bytearray) -> int:
        """How many bytes went. A worker that is gone takes all: its end is noticed elsewhere."""
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0
        except ConnectionError:
            return len(data)

    def _wait_for(self, events: int) -> None:
        if self._is_open:
            self._waits.modify(self._socket, events)

    def _stop_waiting(self) -> None:
        """An end of file would wake the loop again and again."""
        if self._is_open:
            self._is_open = False
            self._waits.unregister(self._socket)
