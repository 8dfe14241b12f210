"""The sockets between the engine core and one generation of workers. Knows frames, not what a worker is for."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zmq

from penstock.protocol import sockets
from penstock.protocol.codec import from_worker_codec, to_worker_codec
from penstock.protocol.plan import FromWorker, ToWorker


class WorkerLink:
    """XPUB down, PULL up. Each generation has its own addresses, so that nothing stale can arrive."""

    def __init__(self, context: "zmq.Context[Any]", folder: Path, generation: int) -> None:
        self.down_endpoint = f"ipc://{folder}/{generation}-down"
        self.up_endpoint = f"ipc://{folder}/{generation}-up"
        self.down = sockets.open_inner(context, zmq.XPUB)
        self.down.setsockopt(zmq.XPUB_VERBOSE, 1)
        self.down.bind(self.down_endpoint)
        self.up = sockets.open_inner(context, zmq.PULL)
        self.up.bind(self.up_endpoint)
        self.num_subscribers = 0
        self._down_codec = to_worker_codec()
        self._up_codec = from_worker_codec()

    def broadcast(self, message: ToWorker) -> None:
        """One encoding, one send, all ranks."""
        self.down.send(self._down_codec.encode(message))

    def count_subscribers(self) -> None:
        """A message sent before a rank has subscribed would be lost to it."""
        while self.down.poll(0):
            joins = self.down.recv()[:1] == b"\x01"
            self.num_subscribers += 1 if joins else -1

    def receive(self, patience_ms: int = 0) -> Iterator[FromWorker]:
        """What has arrived. Raises WireError on anything that is not a worker's message."""
        while self.up.poll(patience_ms):
            yield self._up_codec.decode(self.up.recv())

    def close(self) -> None:
        self.down.close(linger=0)
        self.up.close(linger=0)
        for endpoint in (self.down_endpoint, self.up_endpoint):
            Path(endpoint.removeprefix("ipc://")).unlink(missing_ok=True)
