"""The ROUTER socket that front ends knock at. Knows frames and who is reachable, not what messages mean."""

from collections.abc import Iterator
from typing import Any

import zmq

from penstock.protocol.codec import down_codec, up_codec
from penstock.protocol.errors import WireError
from penstock.protocol.messages import Down, Up

MAX_BURST = 1024
"""Messages taken in before the next step gets its turn."""


class Door:
    """Receives decoded messages and sends encoded ones."""

    def __init__(self, socket: "zmq.Socket[Any]") -> None:
        self.socket = socket
        self._up = up_codec()
        self._down = down_codec()

    @property
    def is_knocked_at(self) -> bool:
        """Whether `receive` would bring something. The descriptor alone may not tell: it is edge-triggered,
        and a send swallows its edge.
        """
        events = self.socket.getsockopt(zmq.EVENTS)
        assert isinstance(events, int)
        return bool(events & zmq.POLLIN)

    def receive(self) -> Iterator[tuple[bytes, Up | WireError]]:
        """What has arrived, each with its sender; a message that does not decode comes as the error."""
        for _ in range(MAX_BURST):
            try:
                identity, *frames = self.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            yield identity, self._decode(frames)

    def _decode(self, frames: list[bytes]) -> Up | WireError:
        if len(frames) != 1:
            return WireError(f"a message is one frame, got {len(frames)}")
        try:
            return self._up.decode(frames[0])
        except WireError as error:
            return error

    def send(self, identity: bytes, message: Down) -> bool:
        """False when nobody is there."""
        try:
            self.socket.send(identity, zmq.NOBLOCK | zmq.SNDMORE)
            self.socket.send(self._down.encode(message), zmq.NOBLOCK)
        except (zmq.Again, zmq.ZMQError) as error:
            if error.errno in (zmq.EHOSTUNREACH, zmq.EAGAIN):
                return False
            raise
        return True
