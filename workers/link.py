"""A worker's line to its engine core. Knows a socket and the wire, not what messages mean to the model."""

import contextlib
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator

import msgspec

from penstock.protocol.codec import from_worker_codec, to_worker_codec
from penstock.protocol.frames import READ_BYTES, FrameReader, frame
from penstock.protocol.plan import (
    Configure,
    FromWorker,
    Prepare,
    Release,
    Shutdown,
    StepPlan,
    ToWorker,
    WorkerProgress,
)


class LinkSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the engine core starts a worker."""

    link: int
    """The descriptor of its end of a stream socket."""
    rank: int = 0
    """Counted stage by stage."""
    tensor_parallel_size: int = 1
    pipeline_parallel_size: int = 1
    rendezvous: str = ""
    """Where all ranks of this start meet: a file:// or tcp:// address."""
    model_dir: str

    @property
    def world_size(self) -> int:
        return self.tensor_parallel_size * self.pipeline_parallel_size


Order = StepPlan | Prepare | Release
LOOK_EVERY_S = 50e-6
"""Between two looks at a device that is at work: far less than a step takes, and a few hundredths of one core."""


class Link:
    """Plans come down, answers go up. Any thread may send; one receives."""

    def __init__(self, settings: LinkSettings) -> None:
        self.rank = settings.rank
        self._socket = socket.socket(fileno=settings.link)
        self._socket.set_inheritable(False)
        self._reader = FrameReader()
        self._arrived: deque[bytes] = deque()
        self._ended = False
        self._phase, self._told_at = "", 0.0
        self._decode = to_worker_codec().decode
        self._encode = from_worker_codec().encode
        self._sending = threading.Lock()

    def send(self, message: FromWorker) -> None:
        """To an engine core that is gone, nothing: `receive` tells of its end."""
        with self._sending, contextlib.suppress(ConnectionError):
            self._socket.sendall(frame(self._encode(message)))

    def receive(self) -> ToWorker:
        """Blocks, asleep. Raises WireError: a worker that misses a plan cannot go on."""
        while not (self._arrived or self._ended):
            self._read()
        return self._decode(self._arrived.popleft()) if self._arrived else Shutdown()

    def arrives_within(self, patience_s: float) -> bool:
        """Whether there is something to receive; waits so long for it at most."""
        if self._arrived or self._ended:
            return True
        if select.select([self._socket], [], [], patience_s)[0]:
            self._read()
        return bool(self._arrived) or self._ended

    def arrives_before(self, is_over: Callable[[], bool]) -> bool:
        """Whether there is something to receive, or `is_over` first. Looks from one to the other again and again."""
        while not self.arrives_within(LOOK_EVERY_S):
            if is_over():
                return False
        return True

    def _read(self) -> None:
        data = self._socket.recv(READ_BYTES)
        self._ended = not data
        self._arrived += self._reader.feed(data)

    def progress(self, phase: str, share: float) -> None:
        """Tells how far the start has come: each new phase, then at most once a second."""
        now = time.monotonic()
        if phase != self._phase or now - self._told_at >= 1.0:
            self._phase, self._told_at = phase, now
            self.send(WorkerProgress(self.rank, phase, share))

    def configuration(self) -> Configure | None:
        """The first message that matters; None when the engine leaves before it."""
        while True:
            match self.receive():
                case Configure() as shape:
                    return shape
                case Shutdown():
                    return None
                case StepPlan() | Prepare() | Release():
                    """Meant for a group that has already started; ours has not."""

    def orders(self) -> Iterator[Order]:
        """Until Shutdown."""
        while True:
            match self.receive():
                case StepPlan() | Prepare() | Release() as order:
                    yield order
                case Shutdown():
                    return
                case Configure():
                    raise AssertionError("configured twice")

    def close(self) -> None:
        """What was sent arrives all the same."""
        self._socket.close()
