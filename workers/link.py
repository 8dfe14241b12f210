"""A worker's line to its engine core. Knows two sockets and the wire, not what messages mean to the model."""

import time
from collections.abc import Iterator

import msgspec
import zmq

from penstock.protocol.codec import from_worker_codec, to_worker_codec
from penstock.protocol.plan import (
    Configure,
    FromWorker,
    Shutdown,
    StepPlan,
    ToWorker,
    WorkerProgress,
)
from penstock.protocol.sockets import open_inner


class LinkSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the engine core starts a worker."""

    link_down: str
    link_up: str
    rank: int = 0
    world_size: int = 1
    model_dir: str


class Link:
    """Plans come down a SUB that hears everything, answers go up a PUSH."""

    def __init__(self, settings: LinkSettings) -> None:
        self.rank = settings.rank
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._down = open_inner(self._context, zmq.SUB)
        self._down.subscribe(b"")
        self._down.connect(settings.link_down)
        self._up = open_inner(self._context, zmq.PUSH)
        self._up.connect(settings.link_up)
        self._phase, self._told_at = "", 0.0
        self._decode = to_worker_codec().decode
        self._encode = from_worker_codec().encode

    def send(self, message: FromWorker) -> None:
        self._up.send(self._encode(message))

    def receive(self) -> ToWorker:
        """Blocks, asleep. Raises WireError: a worker that misses a plan cannot go on."""
        return self._decode(self._down.recv())

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
                case StepPlan():
                    """Meant for a group that has already started; ours has not."""

    def plans(self) -> Iterator[StepPlan]:
        """Until Shutdown."""
        while True:
            match self.receive():
                case StepPlan() as plan:
                    yield plan
                case Shutdown():
                    return
                case Configure():
                    raise AssertionError("configured twice")

    def close(self) -> None:
        """Sends what is queued, for a second at most."""
        self._down.close()
        self._up.close()
        self._context.term()
