"""The front end's line to the engine core: frames in and out, up and down. Knows no request and no heartbeat.

The socket is read straight from the event loop by its descriptor, which is edge-triggered: whoever touches
the socket must read it empty or come back. (Measured against zmq.asyncio: tests/bench/engine_client.py.)
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import msgspec
import zmq
from zmq.utils.monitor import parse_monitor_message

from penstock.protocol import codec, sockets
from penstock.protocol.errors import WireError
from penstock.protocol.messages import Down

log = logging.getLogger("penstock.engine")

MAX_FRAMES_AT_ONCE = 64
"""Then others get their turn on the loop."""
CLOSE_LINGER_MS = 200
_EVENTS = zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED


class Listener(msgspec.Struct, frozen=True):
    """Whom a Connection tells what happens."""

    on_up: Callable[[], None]
    """Messages can be sent from now on."""
    on_down: Callable[[], None]
    """The other end is gone; what was under way either way may be lost."""
    on_message: Callable[[Down], None]
    on_garbage: Callable[[WireError], None]


class Connection:
    """Made on a running loop; connects, and connects again, by itself until `close`."""

    def __init__(
        self, endpoint: str, identity: bytes, curve_dir: str | None, listener: Listener
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._codec = codec.down_codec()
        self._listener = listener
        self._context: zmq.Context[Any] = zmq.Context()
        self._socket = sockets.open_dealer(self._context, endpoint, identity, curve_dir)
        self._monitor = self._socket.get_monitor_socket(_EVENTS)
        self._socket.connect(endpoint)
        self.is_up = False
        """Whether a peer is connected. Without one nothing is sent: ZeroMQ would keep it for a later one."""
        self._is_closed = False
        self._loop.add_reader(self._socket.FD, self.receive)
        self._loop.add_reader(self._monitor.FD, self._watch)
        self._loop.call_soon(self._watch)  # the descriptor's first edge may be past

    def send(self, message: msgspec.Struct) -> bool:
        """Whether it was sent: not, when nobody is connected."""
        if not self.is_up:
            return False
        self._socket.send(self._codec.encode(message), zmq.NOBLOCK)
        # Sending may have swallowed the descriptor's edge.
        if _is_readable(self._socket):
            self._loop.call_soon(self.receive)
        return True

    def receive(self) -> None:
        """Hands on the messages that are here."""
        for _ in range(MAX_FRAMES_AT_ONCE):
            if self._is_closed or not _is_readable(self._socket):
                return
            self._hand_on(self._socket.recv(zmq.NOBLOCK))
        self._loop.call_soon(self.receive)

    def close(self) -> None:
        self._is_closed = True
        self._loop.remove_reader(self._socket.FD)
        self._loop.remove_reader(self._monitor.FD)
        self._socket.disable_monitor()
        self._monitor.close()
        self._socket.close(CLOSE_LINGER_MS)
        self._context.term()

    def _hand_on(self, frame: bytes) -> None:
        try:
            message = self._codec.decode(frame)
        except WireError as error:
            self._listener.on_garbage(error)
            return
        self._listener.on_message(message)

    def _watch(self) -> None:
        while not self._is_closed and _is_readable(self._monitor):
            event = parse_monitor_message(self._monitor.recv_multipart(zmq.NOBLOCK))["event"]
            self.receive()  # the last words of whoever was there before
            self.is_up = event != zmq.EVENT_DISCONNECTED
            if self.is_up:
                self._listener.on_up()
            else:
                self._listener.on_down()


def _is_readable(socket: "zmq.Socket[Any]") -> bool:
    events = socket.getsockopt(zmq.EVENTS)
    assert isinstance(events, int)
    return bool(events & zmq.POLLIN)
